import type { NextConfig } from 'next';

// Served by the gateway, the page has its own origin as the backend. Anywhere else somebody must say where that is.
if (process.env.VERCEL && !process.env.NEXT_PUBLIC_ELOQUENT_URL) {
  throw new Error('NEXT_PUBLIC_ELOQUENT_URL is not set: the address of the Eloquent gateway, such as https://api.example.com');
}

const config: NextConfig = {
  output: 'export',
  images: { unoptimized: true },
  poweredByHeader: false,
  reactStrictMode: true,
  // A parent folder may have a lock file of its own; this one is the root.
  turbopack: { root: import.meta.dirname },
};

export default config;
