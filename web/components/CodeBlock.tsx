'use client';

import { useText } from '@/text';
import { CopyButton } from './CopyButton';

export function CodeBlock({ source, language }: { source: string; language?: string | undefined }) {
  const text = useText();
  return (
    <div className="code-block">
      <div className="code-head">
        <span>{language ?? text.chat.code}</span>
        <CopyButton content={() => source} label={text.copy} />
      </div>
      <pre tabIndex={0}>
        <code>{source}</code>
      </pre>
    </div>
  );
}
