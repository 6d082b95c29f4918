'use client';

import { useId, type HTMLInputAutoCompleteAttribute } from 'react';

interface Props {
  readonly label: string;
  readonly type: 'text' | 'email' | 'password';
  readonly name: string;
  readonly autoComplete: HTMLInputAutoCompleteAttribute;
  readonly inputMode?: 'numeric';
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly hint?: string | undefined;
}

export function Field({ label, hint, onChange, ...input }: Props) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input {...input} id={id} required aria-describedby={hint ? `${id}-hint` : undefined} onChange={event => onChange(event.target.value)} />
      {hint && (
        <p id={`${id}-hint`} className="hint">
          {hint}
        </p>
      )}
    </div>
  );
}
