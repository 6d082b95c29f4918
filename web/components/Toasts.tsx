'use client';

import { notices } from '@/lib/notices';
import { useStore } from '@/lib/store';
import { useText } from '@/text';

export function Toasts() {
  const text = useText();
  const shown = useStore(notices);
  return (
    <div className="toasts" role="status">
      {shown.map(({ id, text: sentence, undo }) => (
        <div key={id} className="toast">
          <span>{sentence}</span>
          {undo && (
            <button type="button" className="text-button" onClick={undo}>
              {text.undo}
            </button>
          )}
        </div>
      ))}
    </div>
  );
}
