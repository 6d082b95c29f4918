'use client';

import { useEffect, useState } from 'react';
import type { HostedUi } from '@/lib/config';
import { hostedUi, leaveForHostedUi } from '@/lib/hosted';
import { useText } from '@/text';

/** Cognito's names of providers, where people know another one. */
const NAMES: Readonly<Record<string, string>> = { LoginWithAmazon: 'Amazon', SignInWithApple: 'Apple' };

/** The ways in by the user pool's own pages, where it has some. */
export function Providers() {
  const text = useText();
  const [hosted, setHosted] = useState<HostedUi | null>(null);
  useEffect(() => {
    hostedUi().then(setHosted, () => undefined);
  }, []);
  if (!hosted) return null;
  return (
    <div className="form providers">
      {hosted.providers.map(provider => (
        <button key={provider} type="button" className="button" onClick={() => void leaveForHostedUi(provider)}>
          {text.account.with(NAMES[provider] ?? provider)}
        </button>
      ))}
      {hosted.providers.length === 0 && (
        <button type="button" className="button" onClick={() => void leaveForHostedUi(null)}>
          {text.account.hosted}
        </button>
      )}
      <p className="form-or">{text.account.or}</p>
    </div>
  );
}
