/** The gateway: another origin when the build was told so, else the one that served the page. */
export const BACKEND = (process.env.NEXT_PUBLIC_ELOQUENT_URL ?? '').replace(/\/+$/, '');

/** Where to sign in, in Amazon Cognito's terms; the local identity provider has the same API. */
export interface IdentityConfig {
  readonly endpoint: string;
  readonly user_pool_endpoint: string;
  readonly identity_pool_endpoint: string;
  readonly identity_pool_id: string;
  readonly user_pool_client_id: string;
  readonly hosted_ui: HostedUi | null;
}

/** The user pool's own sign-in pages, and the providers that can be chosen there. */
export interface HostedUi {
  readonly url: string;
  readonly providers: readonly string[];
}

let asked: Promise<IdentityConfig> | undefined;

/** What the gateway says to everybody; asked once, and again after a failure. */
export function identityConfig(): Promise<IdentityConfig> {
  asked ??= ask().catch((error: unknown) => {
    asked = undefined;
    throw error;
  });
  return asked;
}

async function ask(): Promise<IdentityConfig> {
  const response = await fetch(`${BACKEND}/v1/config`, { cache: 'no-store' });
  if (!response.ok) throw new Error(`/v1/config answered ${response.status}`);
  const config = (await response.json()) as { identity: IdentityConfig };
  return config.identity;
}

/** Codes are in the log of the run, as nothing there can send mail. */
export function isOnThisMachine(config: IdentityConfig): boolean {
  return ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(config.user_pool_endpoint).hostname);
}
