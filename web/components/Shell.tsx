'use client';

import Link from 'next/link';
import { Suspense, useEffect, useRef, useState, useSyncExternalStore, type ReactNode } from 'react';
import { account, claimed, signedOut, watchAccount } from '@/lib/identity';
import { carryOutAll, say } from '@/lib/notices';
import { watchSessions } from '@/lib/sessions';
import { useStore } from '@/lib/store';
import { readTheme } from '@/lib/theme';
import { readLocale, text as currentText, useText } from '@/text';
import { AccountButton } from './AccountButton';
import { Icon, Mark } from './icons';
import { LibraryButton } from './LibraryButton';
import { Search } from './Search';
import { SettingsButton } from './SettingsButton';
import { DocumentsLink, SessionNav } from './Sidebar';
import { Toasts } from './Toasts';

/** What is around every page: the sidebar, which on a phone comes in from the edge. */
export function Shell({ children }: { children: ReactNode }) {
  const text = useText();
  const [isOpen, setOpen] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);
  const side = useRef<HTMLElement>(null);
  const close = (): void => setOpen(false);

  useEffect(() => {
    readLocale();
    readTheme();
    const unwatch = [
      watchAccount(),
      watchSessions(),
      claimed.subscribe(() => claimed.value?.sessions && say(currentText().account.claimed(claimed.value.sessions))),
    ];
    window.addEventListener('pagehide', carryOutAll);
    return () => {
      for (const end of unwatch) end();
      window.removeEventListener('pagehide', carryOutAll);
    };
  }, []);

  useEffect(() => {
    if (!isOpen) return undefined;
    side.current?.querySelector<HTMLElement>('a, button')?.focus();
    const escaped = (event: KeyboardEvent): void => {
      if (event.key === 'Escape' && !document.querySelector('dialog[open]')) setOpen(false);
    };
    document.addEventListener('keydown', escaped);
    const button = opener.current;
    return () => {
      document.removeEventListener('keydown', escaped);
      button?.focus();
    };
  }, [isOpen]);

  return (
    <div className="shell" data-open={isOpen}>
      <a className="skip" href="#main">
        {text.skip}
      </a>
      <header className="bar" inert={isOpen}>
        <button ref={opener} type="button" className="quiet" aria-label={text.menu} aria-expanded={isOpen} onClick={() => setOpen(true)}>
          <Icon name="menu" />
        </button>
        <span className="wordmark">
          <Mark /> {text.product}
        </span>
        <Link className="quiet" href="/" aria-label={text.nav.newChat}>
          <Icon name="plus" />
        </Link>
      </header>
      <nav ref={side} className="side" aria-label={text.menu}>
        <div className="side-head">
          <Link className="wordmark" href="/" onClick={close}>
            <Mark /> {text.product}
          </Link>
          <button type="button" className="quiet side-close" aria-label={text.close} onClick={close}>
            <Icon name="close" />
          </button>
        </div>
        <Link className="new-chat" href="/" onClick={close}>
          <Icon name="plus" /> {text.nav.newChat}
        </Link>
        <Search onChoose={close}>
          <h2 className="visually-hidden">{text.nav.chats}</h2>
          <Suspense>
            <SessionNav onChoose={close} />
          </Suspense>
        </Search>
        <div className="side-foot">
          <DocumentsLink onChoose={close} />
          <LibraryButton />
          <SettingsButton />
          <AccountButton />
        </div>
      </nav>
      <button type="button" className="scrim" tabIndex={-1} aria-label={text.close} onClick={close} />
      <main id="main" className="main" tabIndex={-1} inert={isOpen}>
        <EndedSignIn />
        <Offline />
        {children}
      </main>
      <Toasts />
    </div>
  );
}

function EndedSignIn() {
  const text = useText();
  const isEnded = useStore(signedOut, false);
  const who = useStore(account, undefined);
  if (!isEnded || who?.email) return null;
  return (
    <p className="lost" role="status">
      {text.account.ended}
    </p>
  );
}

function Offline() {
  const text = useText();
  const isOnline = useSyncExternalStore(watchNetwork, () => navigator.onLine, () => true);
  if (isOnline) return null;
  return (
    <p className="lost" role="status">
      <Icon name="warning" /> {text.offline}
    </p>
  );
}

function watchNetwork(changed: () => void): () => void {
  window.addEventListener('online', changed);
  window.addEventListener('offline', changed);
  return () => {
    window.removeEventListener('online', changed);
    window.removeEventListener('offline', changed);
  };
}
