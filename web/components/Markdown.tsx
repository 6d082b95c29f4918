'use client';

import { createContext, memo, useContext, useMemo, type ReactNode } from 'react';
import ReactMarkdown, { type Components } from 'react-markdown';
import remarkGfm from 'remark-gfm';
import remarkMath from 'remark-math';
import { blocksOf, settled, withFormulas } from '@/lib/blocks';
import { remarkCitations } from '@/lib/citations';
import type { Citation } from '@/lib/messages';
import { CodeBlock } from './CodeBlock';
import { Chip } from './Chip';
import { Formula } from './Formula';

type Citations = ReadonlyMap<number, Citation>;

const CitationsOfAnswer = createContext<Citations>(new Map());

const PLUGINS = [
  remarkGfm,
  [remarkMath, { singleDollarTextMath: false }],
  remarkCitations,
] as NonNullable<Parameters<typeof ReactMarkdown>[0]['remarkPlugins']>;

/** An answer's text. HTML in it is shown as text, images never load, and only addresses the sources name are links. */
export function Markdown({ content, citations, isComing }: { content: string; citations: Citations; isComing: boolean }) {
  const blocks = useMemo(() => blocksOf(withFormulas(isComing ? settled(content) : content)), [content, isComing]);
  return (
    <CitationsOfAnswer.Provider value={citations}>
      {blocks.map((block, index) => (
        // Blocks are only ever added at the end.
        <Block key={index} markdown={block} />
      ))}
    </CitationsOfAnswer.Provider>
  );
}

const Block = memo(function Block({ markdown }: { markdown: string }) {
  return (
    <ReactMarkdown remarkPlugins={PLUGINS} components={COMPONENTS}>
      {markdown}
    </ReactMarkdown>
  );
});

interface CiteProps {
  readonly number?: string;
  readonly context?: string;
}

function Cite({ number, context = '' }: CiteProps) {
  const citation = useContext(CitationsOfAnswer).get(Number(number));
  return <Chip number={Number(number)} citation={citation} sentence={context} />;
}

function Anchor({ href = '', children }: { href?: string | undefined; children?: ReactNode }) {
  const citations = useContext(CitationsOfAnswer);
  const isNamed = /^(https?:|mailto:)/.test(href) && [...citations.values()].some(({ quote }) => quote.includes(href));
  if (!isNamed) return <span className="no-link">{children}</span>;
  return (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}

const COMPONENTS: Components = {
  cite: ({ node }) => <Cite {...(node?.properties as CiteProps)} />,
  a: ({ href, children }) => <Anchor href={href}>{children}</Anchor>,
  img: ({ alt }) => <span className="no-link">{alt}</span>,
  // A page has its own first headings.
  h1: ({ children }) => <h3>{children}</h3>,
  h2: ({ children }) => <h3>{children}</h3>,
  h3: ({ children }) => <h4>{children}</h4>,
  h4: ({ children }) => <h5>{children}</h5>,
  table: ({ children }) => (
    <div className="table" role="region" tabIndex={0}>
      <table>{children}</table>
    </div>
  ),
  pre: ({ children }) => <>{children}</>,
  code: ({ className = '', children }) => {
    const source = String(children).replace(/\n$/, '');
    if (className.includes('math-display')) return <Formula source={source} isDisplay />;
    if (className.includes('math-inline')) return <Formula source={source} />;
    const language = /language-([\w+-]+)/.exec(className)?.[1];
    if (language || String(children).endsWith('\n')) return <CodeBlock source={source} language={language} />;
    return <code>{children}</code>;
  },
};
