'use client';

import type { ReactNode } from 'react';
import { useText } from '@/text';
import { Icon } from './icons';

/** In place of what could not be shown. */
export function Trouble({ sentence, onRetry, children }: { sentence: string; onRetry?: () => void; children?: ReactNode }) {
  const text = useText();
  return (
    <div className="trouble" role="alert">
      <Icon name="warning" />
      <h1>{sentence}</h1>
      {onRetry && (
        <button type="button" className="button" onClick={onRetry}>
          {text.retry}
        </button>
      )}
      {children}
    </div>
  );
}
