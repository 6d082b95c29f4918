'use client';

import { useText } from '@/text';
import { Composer } from './Composer';
import { Suggestions } from './Suggestions';

/** Before the first question. */
export function Home() {
  const text = useText();
  const [before, marked, after] = text.home.title;
  return (
    <div className="home">
      <h1>
        {before}
        <mark>{marked}</mark>
        {after}
      </h1>
      <p>{text.home.lead}</p>
    </div>
  );
}

/** The same before anything can be asked: in the exported page, and while the browser finds out who is there. */
export function Opening() {
  return (
    <div className="chat chat-empty chat-opening">
      <Home />
      <div className="dock">
        <Composer isBusy canStop={false} isFollowUp={false} onAsk={() => undefined} onStop={() => undefined} />
        <Suggestions onAsk={() => undefined} />
      </div>
    </div>
  );
}
