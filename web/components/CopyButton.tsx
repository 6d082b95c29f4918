'use client';

import { useEffect, useState } from 'react';
import { useText } from '@/text';
import { Icon } from './icons';

const SHOWN_MS = 1600;

/** Puts the text on the clipboard and says so for a moment. */
export function CopyButton({ content, label }: { content: () => string; label: string }) {
  const text = useText();
  const [isCopied, setCopied] = useState(false);

  useEffect(() => {
    if (!isCopied) return undefined;
    const timer = setTimeout(() => setCopied(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);

  const copy = async (): Promise<void> => {
    await copyText(content());
    setCopied(true);
  };

  return (
    <button type="button" className="quiet small" aria-label={isCopied ? text.copied : label} title={label} onClick={() => void copy()}>
      <Icon name={isCopied ? 'check' : 'copy'} />
    </button>
  );
}

async function copyText(content: string): Promise<void> {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(content);
    return;
  }
  // Plain http on another machine has no clipboard API.
  const area = document.createElement('textarea');
  area.value = content;
  area.className = 'visually-hidden';
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
}
