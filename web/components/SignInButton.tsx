'use client';

import { useState } from 'react';
import { useText } from '@/text';
import { AccountForms } from './AccountForms';

/** The way in, where somebody needs it. */
export function SignInButton() {
  const text = useText();
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="button button-main" aria-haspopup="dialog" onClick={() => setOpen(true)}>
        {text.account.signIn}
      </button>
      {isOpen && <AccountForms onClose={() => setOpen(false)} onEntered={() => setOpen(false)} />}
    </>
  );
}
