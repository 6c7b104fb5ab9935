import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  S3Client,
  type HeadObjectCommandOutput,
} from '@aws-sdk/client-s3'
import type { S3Store, StoredDigest, StoredObject } from '../../drivers/places.ts'
import type { Scope } from '../../drivers/scope.ts'
import type { SecretHandle, Secrets } from '../../drivers/secrets.ts'
import type { Code, RunbookError } from '../../kernel/errors.ts'
import { Secret, shortestSecret } from '../../kernel/secret.ts'
import { Replaced, type OpenStore } from './open-store.ts'
import { storeError, type Problem } from './problems.ts'

/** Objects of a bucket. */
export async function s3Store(
  store: S3Store,
  {
    scope,
    secrets,
    register,
  }: {
    readonly scope: Scope
    readonly secrets: Secrets
    /** Called with each secret that the client finds by itself, before it is used. */
    readonly register: (secret: Secret) => void
  },
): Promise<OpenStore & Disposable> {
  const client = await clientFor(store, secrets, register)
  const start = store.prefix === '' ? '' : `${store.prefix}/`
  const at = ({ key }: StoredObject) => ({ Bucket: store.bucket, Key: `${start}${key}` })
  const failing = (doing: string, thrown: unknown, code: Code = 'preflight'): unknown => {
    scope.signal.throwIfAborted()
    return thrown instanceof Replaced ? thrown : s3Error(doing, store, thrown, code)
  }

  const head = (object: StoredObject): Promise<HeadObjectCommandOutput> =>
    client.send(new HeadObjectCommand({ ...at(object), ChecksumMode: 'ENABLED' }), {
      abortSignal: scope.signal,
    })

  return {
    resumes: true,

    async list() {
      const found: StoredObject[] = []
      let token: string | undefined
      do {
        const page = await client
          .send(
            new ListObjectsV2Command({
              Bucket: store.bucket,
              Prefix: start,
              // XML cannot contain every character that a key may have.
              EncodingType: 'url',
              ...(token === undefined ? {} : { ContinuationToken: token }),
            }),
            { abortSignal: scope.signal },
          )
          .catch((thrown: unknown) => {
            throw failing('list', thrown)
          })
        for (const { Key, Size, LastModified, ETag } of page.Contents ?? []) {
          const key = page.EncodingType === 'url' ? decoded(Key ?? '') : (Key ?? '')
          if (!key.startsWith(start) || key.endsWith('/')) continue
          found.push({
            key: key.slice(start.length),
            bytes: Size ?? 0,
            modifiedAt: (LastModified ?? new Date(0)).toISOString(),
            version: ETag ?? '',
          })
        }
        token = page.IsTruncated === true ? page.NextContinuationToken : undefined
      } while (token !== undefined)
      return found
    },

    async digestOf(object) {
      return digestIn(
        await head(object).catch((thrown: unknown) => {
          throw failing(`read the checksum of ${object.key} in`, thrown)
        }),
      )
    },

    async send(object, offset, to: Writable) {
      try {
        const answer = await client.send(
          new GetObjectCommand({
            ...at(object),
            IfMatch: object.version,
            ...(offset === 0 ? {} : { Range: `bytes=${offset}-` }),
          }),
          { abortSignal: scope.signal },
        )
        // A server that does not know If-Match, or Range, answers all the same.
        if (answer.ETag !== object.version) throw new Replaced()
        if (offset > 0 && answer.ContentRange?.startsWith(`bytes ${offset}-`) !== true) throw new Replaced()
        await pipeline(answer.Body as Readable, to, { signal: scope.signal })
      } catch (thrown) {
        to.destroy()
        if (statusOf(thrown) === 412) throw new Replaced()
        throw failing(`fetch ${object.key} from`, thrown, 'failed')
      }
    },

    async unchanged(object) {
      return (
        (
          await head(object).catch((thrown: unknown) => {
            throw failing(`look at ${object.key} in`, thrown, 'failed')
          })
        ).ETag === object.version
      )
    },

    [Symbol.dispose]: () => client.destroy(),
  }
}

async function clientFor(
  store: S3Store,
  secrets: Secrets,
  register: (secret: Secret) => void,
): Promise<S3Client> {
  const { region, endpoint, pathStyle, credentials } = store
  const revealed = async (handle: SecretHandle): Promise<string> => (await secrets.reveal(handle)).reveal()
  return new S3Client({
    region,
    forcePathStyle: pathStyle,
    ...(endpoint === null ? {} : { endpoint }),
    ...(credentials === null
      ? { credentials: () => foundBy(new S3Client({ region }), register) }
      : {
          credentials: {
            accessKeyId: typeof credentials.id === 'string' ? credentials.id : await revealed(credentials.id),
            secretAccessKey: await revealed(credentials.key),
            ...(credentials.token === null ? {} : { sessionToken: await revealed(credentials.token) }),
          },
        }),
    // Other servers refuse the checksums that newer clients add, and a part of an object has none.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: 15_000, socketTimeout: 60_000 },
  })
}

/**
 * What the client finds in the environment, in the files of AWS's tools or from the role of the machine, also where it is
 * renewed later.
 */
async function foundBy({ config }: S3Client, register: (secret: Secret) => void) {
  const found = await config.credentials()
  for (const [name, text] of [
    ['AWS_SECRET_ACCESS_KEY', found.secretAccessKey],
    ['AWS_SESSION_TOKEN', found.sessionToken ?? ''],
  ] as const)
    if (Buffer.byteLength(text) >= shortestSecret) register(new Secret(name, text))
  return found
}

const decoded = (key: string): string => decodeURIComponent(key.replaceAll('+', '%20'))

/**
 * The digest of the complete object. A checksum of several parts is one of their checksums (`…-3`); an ETag is an
 * MD5 only of an object that was uploaded in one part and is not encrypted with a key of KMS or of the customer
 * (docs.aws.amazon.com, "Checking object integrity" and "Object").
 */
export function digestIn(head: Partial<HeadObjectCommandOutput>): StoredDigest | null {
  const { ChecksumSHA256, ChecksumSHA1, ETag, ServerSideEncryption, SSECustomerAlgorithm } = head
  const composite = head.ChecksumType === 'COMPOSITE'
  for (const [algorithm, value, bytes] of [
    ['sha256', ChecksumSHA256, 32],
    ['sha1', ChecksumSHA1, 20],
  ] as const) {
    if (value === undefined || composite || value.includes('-')) continue
    const hex = Buffer.from(value, 'base64').toString('hex')
    if (hex.length === bytes * 2) return { algorithm, hex }
  }
  const md5 = /^"?([0-9a-f]{32})"?$/.exec(ETag ?? '')?.[1]
  const plain = (ServerSideEncryption ?? 'AES256') === 'AES256' && SSECustomerAlgorithm === undefined
  return md5 === undefined || !plain ? null : { algorithm: 'md5', hex: md5 }
}

const statusOf = (thrown: unknown): number | undefined =>
  (thrown as { readonly $metadata?: { readonly httpStatusCode?: number } }).$metadata?.httpStatusCode

function s3Error(doing: string, store: S3Store, thrown: unknown, code: Code): RunbookError {
  const { name, message } = thrown instanceof Error ? thrown : { name: '', message: String(thrown) }
  const reason = name === '' || name === 'Error' || message.includes(name) ? message : `${name}: ${message}`
  return storeError(doing, store, { problem: problemOf(thrown, name), why: reason, cause: thrown, code })
}

const refusals =
  /^(?:InvalidAccessKeyId|SignatureDoesNotMatch|AccessDenied|Forbidden|ExpiredToken|InvalidToken|CredentialsProviderError|TokenProviderError|403|401)$/

function problemOf(thrown: unknown, name: string): Problem {
  const status = statusOf(thrown)
  if (name === 'NoSuchBucket') return 'missing'
  if (refusals.test(name) || status === 403 || status === 401) return 'refused'
  if (name === 'NoSuchKey' || name === 'NotFound' || status === 404) return 'gone'
  // No response at all: sockets, name resolution, certificates.
  if (
    status === undefined &&
    (typeof (thrown as NodeJS.ErrnoException).code === 'string' || name === 'TimeoutError')
  )
    return 'unreachable'
  return 'other'
}
