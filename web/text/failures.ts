import { Problem } from '@/lib/api';
import { CognitoError } from '@/lib/cognito';
import type { Catalogue } from './en';

type Sentence = (text: Catalogue, match: RegExpMatchArray) => string;

/** The gateway's sentences, which are English, in the reader's language. */
const CHAT: readonly (readonly [RegExp, Sentence])[] = [
  [/Too many questions are waiting\. Ask again in (\d+)/, (text, match) => text.failures.overloaded(Number(match[1]))],
  [/language model does not answer/, text => text.failures.model],
  [/language model refused/, text => text.failures.refused],
  [/longer than allowed/, text => text.failures.cut],
  [/could not be completed/, text => text.failures.incomplete],
  [/(\d+) answers under way.*Try again in (\d+)/, (text, match) => text.failures.underWay(Number(match[1]), Number(match[2]))],
  [/(\d+) a minute are allowed.*Try again in (\d+)/, (text, match) => text.failures.rate(Number(match[1]), Number(match[2]))],
  [/too many versions/, text => text.versions.tooMany],
  [/Too many answers at once/, text => text.failures.tooMany],
  [/no such session|session was deleted/i, text => text.chat.missing],
  [/token/i, text => text.failures.signedOut],
  [/WebSocket|fetch|network/i, text => text.failures.unreachable],
];

/** A plain sentence about a chat that could not go on; a sentence we do not know is the server's own. */
export function chatFailure(message: string, text: Catalogue): string {
  for (const [pattern, sentence] of CHAT) {
    const match = message.match(pattern);
    if (match) return sentence(text, match);
  }
  return message || text.failures.unknown;
}

/** About a stored answer that failed. */
export function storedFailure(failure: string | null | undefined, text: Catalogue): string {
  switch (failure) {
    case 'model_unavailable':
      return text.failures.model;
    case 'model_refused':
      return text.failures.refused;
    case 'length_limit':
      return text.failures.cut;
    default:
      return text.failures.incomplete;
  }
}

/** About a call of the API or of Cognito that failed. */
export function failure(error: unknown, text: Catalogue): string {
  if (error instanceof CognitoError) return COGNITO[error.name]?.(text) ?? text.failures.unknown;
  if (!(error instanceof Problem)) return text.failures.unreachable;
  if (error.status === 429 && error.retrySeconds) return text.failures.wait(error.retrySeconds);
  return CODES[error.code]?.(text) ?? STATUSES[error.status]?.(text) ?? (error.message || text.failures.unknown);
}

/** About a document that could not be made searchable; the server says more than a code can. */
export function documentFailure({ code, message }: { code: string; message: string }, text: Catalogue): string {
  const known = text.documents.failures as Readonly<Record<string, string>>;
  return known[code] ?? message;
}

const CODES: Readonly<Record<string, (text: Catalogue) => string>> = {
  unreachable: text => text.failures.unreachable,
  forbidden: text => text.failures.forbidden,
  document_too_large: text => text.failures.tooLarge,
  body_too_large: text => text.failures.tooLarge,
  unsupported_media_type: text => text.failures.mediaType,
  version_replaced: text => text.failures.replaced,
  document_not_found: text => text.failures.documentGone,
  empty_file: text => text.failures.empty,
  password_needed: text => text.documents.failures.password_needed,
  media_type_mismatch: text => text.failures.mismatch,
  too_many_collections: text => text.failures.tooManyCollections,
};

const STATUSES: Readonly<Record<number, (text: Catalogue) => string>> = {
  401: text => text.failures.signedOut,
  429: text => text.failures.tooMany,
  502: text => text.failures.unreachable,
  503: text => text.failures.unreachable,
};

const COGNITO: Readonly<Record<string, (text: Catalogue) => string>> = {
  NotAuthorizedException: text => text.failures.credentials,
  UserNotFoundException: text => text.failures.credentials,
  UsernameExistsException: text => text.failures.exists,
  InvalidPasswordException: text => text.failures.password,
  CodeMismatchException: text => text.failures.codeWrong,
  ExpiredCodeException: text => text.failures.codeExpired,
  LimitExceededException: text => text.failures.attempts,
  TooManyRequestsException: text => text.failures.attempts,
  TooManyFailedAttemptsException: text => text.failures.attempts,
  UserNotConfirmedException: text => text.failures.unconfirmed,
  ChallengeException: text => text.failures.challenge,
};
