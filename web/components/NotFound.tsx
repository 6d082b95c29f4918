'use client';

import Link from 'next/link';
import { useText } from '@/text';

export function NotFound() {
  const text = useText();
  return (
    <div className="page">
      <h1>{text.notFound.title}</h1>
      <p>
        <Link href="/">{text.notFound.home}</Link>
      </p>
    </div>
  );
}
