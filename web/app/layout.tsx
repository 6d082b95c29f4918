import type { Metadata, Viewport } from 'next';
import localFont from 'next/font/local';
import type { ReactNode } from 'react';
import { Shell } from '@/components/Shell';
import '../styles/base.css';
import '../styles/shell.css';
import '../styles/chat.css';
import '../styles/answer.css';
import '../styles/forms.css';
import '../styles/documents.css';

const serif = localFont({
  src: '../node_modules/@fontsource-variable/newsreader/files/newsreader-latin-wght-normal.woff2',
  variable: '--font-serif',
  weight: '200 800',
  adjustFontFallback: 'Times New Roman',
});

const sans = localFont({
  src: '../node_modules/@fontsource-variable/instrument-sans/files/instrument-sans-latin-wght-normal.woff2',
  variable: '--font-sans',
  weight: '400 700',
});

export const metadata: Metadata = {
  title: 'Eloquent',
  description: 'Answers from your documents, with the passage each of them stands on',
  icons: { icon: '/icon.svg' },
  referrer: 'no-referrer',
};

export const viewport: Viewport = {
  width: 'device-width',
  initialScale: 1,
  interactiveWidget: 'resizes-content',
  themeColor: [
    { media: '(prefers-color-scheme: light)', color: '#faf7f0' },
    { media: '(prefers-color-scheme: dark)', color: '#14191a' },
  ],
};

export default function Layout({ children }: { children: ReactNode }) {
  return (
    // `early.js` and the chosen language change its attributes before React is there.
    <html lang="en" className={`${serif.variable} ${sans.variable}`} suppressHydrationWarning>
      <head>
        {/* eslint-disable-next-line @next/next/no-sync-scripts -- a later one would come after the first paint */}
        <script src="/early.js" />
      </head>
      <body>
        <Shell>{children}</Shell>
      </body>
    </html>
  );
}
