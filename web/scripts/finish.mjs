// After `next build`: every file also in its packed forms, and, for a host that cannot compute headers for each page, the
// content security policy inside of the page. The gateway has its own, by header.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const OUT = 'out';
const PACKED = new Set(['.html', '.js', '.css', '.txt', '.svg']);
const SMALLEST_BYTES = 512;
const INLINE_SCRIPT = /<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g;

const backend = process.env.NEXT_PUBLIC_ELOQUENT_URL;

const files = readdirSync(OUT, { recursive: true, withFileTypes: true })
  .filter(entry => entry.isFile())
  .map(entry => join(entry.parentPath, entry.name));

for (const file of files) {
  if (backend && extname(file) === '.html') writeFileSync(file, withPolicy(readFileSync(file, 'utf8')));
  if (!PACKED.has(extname(file))) continue;
  const plain = readFileSync(file);
  if (plain.length < SMALLEST_BYTES) continue;
  writeFileSync(`${file}.gz`, gzipSync(plain, { level: 9 }));
  writeFileSync(`${file}.br`, brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }));
}

function withPolicy(page) {
  const hashes = [...page.matchAll(INLINE_SCRIPT)].map(
    ([, script]) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`,
  );
  const { origin } = new URL(backend);
  const socket = origin.replace(/^http/, 'ws');
  const identity = process.env.ELOQUENT_IDENTITY_ORIGINS ?? 'https://*.amazonaws.com https://*.amazoncognito.com';
  const policy = [
    "default-src 'none'",
    `script-src 'self' ${[...new Set(hashes)].join(' ')}`,
    "style-src 'self'",
    "font-src 'self'",
    "img-src 'self' data:",
    `connect-src 'self' ${origin} ${socket} ${identity}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return page.replace('<head>', `<head><meta http-equiv="Content-Security-Policy" content="${policy}"/>`);
}
