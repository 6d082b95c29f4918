'use client';

import { useText } from '@/text';
import { Icon } from './icons';

/** In place of what could not be shown. */
export function Trouble({ sentence, onRetry }: { sentence: string; onRetry?: () => void }) {
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
    </div>
  );
}
