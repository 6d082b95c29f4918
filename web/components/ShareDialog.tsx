'use client';

import { useEffect, useState } from 'react';
import { Problem } from '@/lib/api';
import { say } from '@/lib/notices';
import { addressOf, listShares, revokeShare, shareSession, type Share } from '@/lib/shares';
import { moment } from '@/lib/time';
import { useLocale, useText } from '@/text';
import { CopyButton } from './CopyButton';
import { Dialog } from './Dialog';
import { Icon } from './icons';

/** Links to a session as it is now, and their end. */
export function ShareDialog({ sessionId, onClose }: { sessionId: string; onClose: () => void }) {
  const text = useText();
  const [shares, setShares] = useState<readonly Share[]>([]);
  const [problem, setProblem] = useState('');
  const [isBusy, setBusy] = useState(false);

  useEffect(() => {
    listShares(sessionId).then(setShares, () => setProblem(text.shares.failed));
  }, [sessionId, text]);

  const make = async (): Promise<void> => {
    setBusy(true);
    setProblem('');
    try {
      const made = await shareSession(sessionId);
      setShares(list => [made, ...list]);
    } catch (error) {
      const code = error instanceof Problem ? error.code : '';
      const known: Readonly<Record<string, string>> = { nothing_to_share: text.shares.nothing, too_many_shares: text.shares.tooMany };
      setProblem(known[code] ?? text.shares.failed);
    } finally {
      setBusy(false);
    }
  };

  return (
    <Dialog title={text.shares.title} className="dialog-wide" onClose={onClose}>
      <p className="dialog-lead">{text.shares.lead}</p>
      <button type="button" className="button button-main" disabled={isBusy} onClick={() => void make()}>
        <Icon name="link" /> {text.shares.make}
      </button>
      {problem && (
        <p className="form-problem" role="alert">
          {problem}
        </p>
      )}
      <ShareList shares={shares} onRevoked={gone => setShares(list => list.filter(share => share !== gone))} />
    </Dialog>
  );
}

interface ListProps {
  readonly shares: readonly Share[];
  readonly isTitled?: boolean;
  readonly onRevoked: (share: Share) => void;
}

/** Links with what can be done with each. */
export function ShareList({ shares, isTitled = false, onRevoked }: ListProps) {
  const text = useText();
  const locale = useLocale();
  const revoke = (share: Share): void =>
    void revokeShare(share).then(
      () => {
        onRevoked(share);
        say(text.shares.revoked);
      },
      () => say(text.shares.failed),
    );
  return (
    <ul className="rows">
      {shares.map(share => (
        <li key={share.id} className="row">
          <div className="row-text">
            {isTitled ? (
              <p className="row-title">{share.title}</p>
            ) : (
              <input className="share-address" readOnly aria-label={text.shares.link} value={addressOf(share)} onFocus={event => event.target.select()} />
            )}
            <p className="hint">{text.shares.madeAt(moment(share.created_at, locale))}</p>
          </div>
          <CopyButton content={() => addressOf(share)} label={text.shares.copyLink} />
          <button type="button" className="text-button" aria-label={text.shares.revokeOf(share.title)} onClick={() => revoke(share)}>
            {text.shares.revoke}
          </button>
        </li>
      ))}
    </ul>
  );
}
