'use client';

import { useEffect, useState } from 'react';
import * as cognito from '@/lib/cognito';
import { CognitoError } from '@/lib/cognito';
import { identityConfig, isOnThisMachine } from '@/lib/config';
import { signIn } from '@/lib/identity';
import { useText } from '@/text';
import { failure } from '@/text/failures';
import { Dialog } from './Dialog';
import { Field } from './Field';
import { Providers } from './Providers';

type Step = 'signIn' | 'signUp' | 'confirm' | 'forgot' | 'reset';

interface Props {
  readonly onClose: () => void;
  readonly onEntered: () => void;
}

/** From a guest to somebody: sign-in, a new account and its confirmation, a new password. */
export function AccountForms({ onClose, onEntered }: Props) {
  const text = useText();
  const [step, setStep] = useState<Step>('signIn');
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [problem, setProblem] = useState<unknown>(null);
  const [isSent, setSent] = useState(false);
  const [isBusy, setBusy] = useState(false);

  const go = (next: Step): void => {
    setProblem(null);
    setSent(false);
    setCode('');
    setStep(next);
  };

  const run = async (action: () => Promise<void>): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      await action();
    } catch (error) {
      if (error instanceof CognitoError && error.name === 'UserNotConfirmedException') go('confirm');
      else setProblem(error);
    } finally {
      setBusy(false);
    }
  };

  const enter = async (): Promise<void> => {
    await signIn(email, password);
    onEntered();
  };

  const actions: Record<Step, () => Promise<void>> = {
    signIn: enter,
    signUp: async () => {
      await cognito.signUp(email, password);
      go('confirm');
    },
    confirm: async () => {
      await cognito.confirmSignUp(email, code.trim());
      await enter();
    },
    forgot: async () => {
      await cognito.forgotPassword(email);
      setPassword('');
      go('reset');
    },
    reset: async () => {
      await cognito.confirmForgotPassword(email, code.trim(), password);
      await enter();
    },
  };
  const titles: Record<Step, [string, string]> = {
    signIn: [text.account.signIn, text.account.signIn],
    signUp: [text.account.signUp, text.account.signUp],
    confirm: [text.account.confirmTitle, text.account.confirm],
    forgot: [text.account.forgotTitle, text.account.sendCode],
    reset: [text.account.forgotTitle, text.account.setPassword],
  };
  const [title, submit] = titles[step];
  const wantsCode = step === 'confirm' || step === 'reset';
  const isNewPassword = step === 'signUp' || step === 'reset';

  return (
    <Dialog title={title} onClose={onClose}>
      {(step === 'signIn' || step === 'signUp') && <Providers />}
      <form
        className="form"
        onSubmit={event => {
          event.preventDefault();
          void run(actions[step]);
        }}
      >
        {wantsCode && <CodeSent email={email} />}
        {!wantsCode && <Field label={text.account.email} type="email" name="email" autoComplete="username" value={email} onChange={setEmail} />}
        {wantsCode && (
          <Field label={text.account.code} type="text" name="code" autoComplete="one-time-code" inputMode="numeric" value={code} onChange={setCode} />
        )}
        {step !== 'confirm' && step !== 'forgot' && (
          <Field
            label={isNewPassword && step === 'reset' ? text.account.newPassword : text.account.password}
            type="password"
            name="password"
            autoComplete={isNewPassword ? 'new-password' : 'current-password'}
            value={password}
            onChange={setPassword}
            hint={isNewPassword ? text.account.passwordHint : undefined}
          />
        )}
        {problem !== null && (
          <p className="form-problem" role="alert">
            {failure(problem, text)}
          </p>
        )}
        {isSent && <p role="status">{text.account.resent}</p>}
        <button type="submit" className="button button-main" disabled={isBusy}>
          {submit}
        </button>
        {step === 'signIn' && (
          <>
            <button type="button" className="text-button" onClick={() => go('forgot')}>
              {text.account.forgot}
            </button>
            <p className="form-switch">
              {text.account.noAccount}{' '}
              <button type="button" className="text-button" onClick={() => go('signUp')}>
                {text.account.signUp}
              </button>
            </p>
            <p className="hint">{text.account.guestChats}</p>
          </>
        )}
        {(step === 'signUp' || step === 'forgot') && (
          <p className="form-switch">
            {text.account.haveAccount}{' '}
            <button type="button" className="text-button" onClick={() => go('signIn')}>
              {text.account.signIn}
            </button>
          </p>
        )}
        {step === 'confirm' && (
          <button type="button" className="text-button" onClick={() => void run(async () => { await cognito.resendCode(email); setSent(true); })}>
            {text.account.resend}
          </button>
        )}
      </form>
    </Dialog>
  );
}

function CodeSent({ email }: { email: string }) {
  const text = useText();
  const [isLocal, setLocal] = useState(false);
  useEffect(() => {
    identityConfig().then(
      config => setLocal(isOnThisMachine(config)),
      () => undefined,
    );
  }, []);
  return <p>{isLocal ? text.account.codeInLog : text.account.codeSent(email)}</p>;
}
