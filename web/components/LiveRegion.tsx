'use client';

import { useEffect, useRef, useState } from 'react';

const PAUSE_MS = 1500;
const SENTENCES = /[\s\S]*[.!?:\n](?=\s|$)/;

/** Reads an answer out as it comes: whole sentences, not letters, and not too often. */
export function LiveRegion({ content, isComing, status }: { content: string; isComing: boolean; status: string }) {
  const spoken = useRef(0);
  const latest = useRef(content);
  const [announced, setAnnounced] = useState('');
  latest.current = content;

  useEffect(() => {
    if (!isComing) return undefined;
    spoken.current = 0;
    const speak = (isLast: boolean): void => {
      const text = latest.current.replace(/\s?\[\d+\]/g, '');
      if (text.length < spoken.current) spoken.current = 0;
      const rest = text.slice(spoken.current);
      const ready = isLast ? rest : (SENTENCES.exec(rest)?.[0] ?? '');
      if (!ready.trim()) return;
      spoken.current += ready.length;
      setAnnounced(ready);
    };
    const timer = setInterval(() => speak(false), PAUSE_MS);
    return () => {
      clearInterval(timer);
      speak(true);
    };
  }, [isComing]);

  return (
    <>
      <div className="visually-hidden" role="status">
        {status}
      </div>
      <div className="visually-hidden" aria-live="polite" aria-atomic="false">
        {announced}
      </div>
    </>
  );
}
