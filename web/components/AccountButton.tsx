'use client';

import { useRouter } from 'next/navigation';
import { useState } from 'react';
import { account, signOut } from '@/lib/identity';
import { useStore } from '@/lib/store';
import { useText } from '@/text';
import { AccountForms } from './AccountForms';
import { Dialog } from './Dialog';
import { Icon } from './icons';

/** Who one is here, and the way to become somebody. */
export function AccountButton() {
  const text = useText();
  const router = useRouter();
  const who = useStore(account, undefined);
  const [isOpen, setOpen] = useState(false);
  const leave = (everywhere: boolean): void => {
    setOpen(false);
    router.push('/');
    void signOut({ everywhere });
  };
  return (
    <>
      <button type="button" className="account" aria-haspopup="dialog" onClick={() => setOpen(true)}>
        <Icon name="person" />
        <span className="account-name">
          {who?.email ?? text.account.guest}
          {!who?.email && <small>{text.account.signIn}</small>}
        </span>
      </button>
      {isOpen && !who?.email && <AccountForms onClose={() => setOpen(false)} onEntered={() => setOpen(false)} />}
      {isOpen && who?.email && (
        <Dialog title={text.account.account} onClose={() => setOpen(false)}>
          <p className="account-email">{who.email}</p>
          <div className="form">
            <button type="button" className="button" onClick={() => leave(false)}>
              {text.account.signOut}
            </button>
            <button type="button" className="button" onClick={() => leave(true)}>
              {text.account.signOutEverywhere}
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}
