'use client';

import { useEffect } from 'react';
import { account } from '@/lib/identity';
import { useStore } from '@/lib/store';
import { loadSuggestions, suggestions } from '@/lib/suggestions';
import { useText } from '@/text';

/** Questions to begin with; their place is kept before they are there. */
export function Suggestions({ onAsk }: { onAsk: (question: string) => void }) {
  const text = useText();
  const who = useStore(account, undefined);
  const known = useStore(suggestions, []);

  useEffect(() => {
    void loadSuggestions();
  }, [who?.email]);

  return (
    <ul className="suggestions" aria-label={known.length > 0 ? text.home.suggestions : undefined}>
      {known.map(question => (
        <li key={question}>
          <button type="button" onClick={() => onAsk(question)}>
            <span>{question}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
