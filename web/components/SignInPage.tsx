'use client';

import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { useEffect, useState } from 'react';
import { returnFromHostedUi } from '@/lib/hosted';
import { enter } from '@/lib/identity';
import { useText } from '@/text';

let returning: Promise<string> | undefined;

/** `/sign-in?code=…`: back from the user pool's own pages. */
export function SignInPage() {
  const text = useText();
  const router = useRouter();
  const [isFailed, setFailed] = useState(false);

  useEffect(() => {
    // A code is taken once, and React may run this twice.
    returning ??= finish();
    returning.then(
      back => {
        returning = undefined;
        router.replace(back);
      },
      () => {
        returning = undefined;
        setFailed(true);
      },
    );
  }, [router]);

  return (
    <div className="trouble" role={isFailed ? 'alert' : 'status'}>
      <h1>{isFailed ? text.account.returnFailed : `${text.account.returning}…`}</h1>
      {isFailed && (
        <Link className="button" href="/">
          {text.notFound.home}
        </Link>
      )}
    </div>
  );
}

async function finish(): Promise<string> {
  const query = new URLSearchParams(location.search);
  // The code is nobody's business, not even that of who scrolls through the history.
  history.replaceState(null, '', location.pathname);
  const { tokens, email, back } = await returnFromHostedUi(query);
  await enter(email, tokens, { isHosted: true });
  return back;
}
