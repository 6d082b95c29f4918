'use client';

import { useEffect, useRef } from 'react';

/** A formula; what draws it is loaded with the first one. */
export function Formula({ source, isDisplay = false }: { source: string; isDisplay?: boolean }) {
  const ref = useRef<HTMLSpanElement>(null);

  useEffect(() => {
    let isGone = false;
    void import('./katex').then(({ draw }) => {
      if (!isGone && ref.current) draw(source, ref.current, isDisplay);
    });
    return () => {
      isGone = true;
    };
  }, [source, isDisplay]);

  return (
    <span ref={ref} className={isDisplay ? 'formula formula-display' : 'formula'}>
      {source}
    </span>
  );
}
