'use client';

import { useText } from '@/text';

/** Before the first question. */
export function Home() {
  const text = useText();
  return (
    <div className="home">
      <h1>{text.home.title}</h1>
      <p>{text.home.lead}</p>
    </div>
  );
}
