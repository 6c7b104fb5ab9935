import { z } from 'zod'
import type { Store } from '../../drivers/places.ts'
import type { SecretHandle } from '../../drivers/secrets.ts'
import type { SectionContext } from './section.ts'
import { address, secretHandle, strict, text, variableName } from './values.ts'

const secrets = z
  .record(variableName, secretHandle)
  .optional()
  .describe('Variables that the program gets, such as the credentials of what is behind it.')
  .meta({ otherwise: 'none' })

/** A password in it would be in every plan, and among the arguments of a program. */
const withoutPassword = (address: string): boolean => !/:\/\/[^/@]*:[^/@]*@/.test(address)
const passwordHint = 'expected an address without a password; put it into `secrets`'

const s3 = strict({
  kind: z.literal('s3').describe('A bucket of Amazon S3, or of a server with the same interface.'),
  bucket: text.describe('Name of the bucket.'),
  prefix: text
    .optional()
    .describe('Start of the keys, as a folder: `shop/nightly`. Folders of dates below it are searched too.')
    .meta({ otherwise: 'the complete bucket' }),
  endpoint: address
    .optional()
    .describe('Address of a server other than Amazon’s.')
    .meta({ otherwise: "Amazon's, in the region" }),
  region: text.default('us-east-1').describe('Region of the bucket; other servers rarely care.'),
  pathStyle: z
    .boolean()
    .optional()
    .describe('Whether the bucket is part of the path instead of the host name.')
    .meta({ otherwise: 'true with `endpoint`' }),
  accessKeyId: z.union([text, secretHandle]).optional().describe('Id of the access key.').meta({
    otherwise: "the credentials that AWS's own tools would use: variables, ~/.aws, the machine's role",
  }),
  secretAccessKey: secretHandle
    .optional()
    .describe('The access key; required with `accessKeyId`.')
    .meta({ otherwise: 'none' }),
  sessionToken: secretHandle
    .optional()
    .describe('Token of temporary credentials.')
    .meta({ otherwise: 'none' }),
})

const rclone = strict({
  kind: z.literal('rclone').describe('Anything that rclone reaches.'),
  remote: text
    .refine(
      (remote) => /^[^:,]+:/.test(remote),
      "expected REMOTE:PATH, the name of a remote in rclone's configuration and a folder in it",
    )
    .describe('Remote and folder, such as `drive:backups/shop`. Folders of dates below it are searched too.'),
  config: text
    .optional()
    .describe('Configuration file of rclone.')
    .meta({ otherwise: "rclone's own default" }),
  secrets,
})

const restic = strict({
  kind: z.literal('restic').describe('Files in the snapshots of a restic repository.'),
  repository: text
    .refine(withoutPassword, passwordHint)
    .describe("The repository as restic's `-r` takes it, such as `sftp:backup@box:/srv/restic`."),
  password: secretHandle.describe('Password of the repository.'),
  host: text.optional().describe('Only snapshots of this host count.').meta({ otherwise: 'those of any' }),
  tag: text.optional().describe('Only snapshots with this tag count.').meta({ otherwise: 'those with any' }),
  secrets,
})

const borg = strict({
  kind: z.literal('borg').describe('Files in the archives of a Borg repository (Borg 1).'),
  repository: text
    .refine(withoutPassword, passwordHint)
    .describe('The repository as Borg takes it, such as `ssh://backup@box/./shop`.'),
  passphrase: secretHandle
    .optional()
    .describe('Passphrase of the repository.')
    .meta({ otherwise: 'the repository is not encrypted' }),
  newest: z
    .int()
    .min(1)
    .default(30)
    .describe('How many of the newest archives are searched; each takes a start of Borg.'),
  secrets,
})

/** Where backups are kept, if not in a folder. */
export const storeSetting = z.discriminatedUnion('kind', [s3, rclone, restic, borg], {
  error: (issue) =>
    issue.code === 'invalid_union' ? "expected kind: 's3', 'rclone', 'restic' or 'borg'" : undefined,
})

type Variables = { readonly [name: string]: SecretHandle }

export function storeOf(raw: z.output<typeof storeSetting>, context: SectionContext): Store {
  const variables = (given: Variables | undefined): Variables =>
    Object.fromEntries(Object.entries(given ?? {}).map(([name, handle]) => [name, context.secret(handle)]))
  switch (raw.kind) {
    case 's3':
      return {
        kind: 's3',
        bucket: raw.bucket,
        prefix: (raw.prefix ?? '').replaceAll(/^\/+|\/+$/g, ''),
        endpoint: raw.endpoint ?? null,
        region: raw.region,
        pathStyle: raw.pathStyle ?? raw.endpoint !== undefined,
        credentials: credentialsOf(raw, context),
      }
    case 'rclone':
      return {
        kind: 'rclone',
        remote: raw.remote,
        config: raw.config === undefined ? null : context.path(raw.config),
        variables: variables(raw.secrets),
      }
    case 'restic':
      return {
        kind: 'restic',
        repository: raw.repository,
        password: context.secret(raw.password),
        host: raw.host ?? null,
        tag: raw.tag ?? null,
        variables: variables(raw.secrets),
      }
    case 'borg':
      return {
        kind: 'borg',
        repository: raw.repository,
        passphrase: context.secret(raw.passphrase),
        newest: raw.newest,
        variables: variables(raw.secrets),
      }
  }
}

function credentialsOf(
  { accessKeyId, secretAccessKey, sessionToken }: z.output<typeof s3>,
  context: SectionContext,
): Extract<Store, { readonly kind: 's3' }>['credentials'] {
  if (accessKeyId === undefined && secretAccessKey === undefined) return null
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw context.unusable(
      `backups.from names ${accessKeyId === undefined ? 'secretAccessKey' : 'accessKeyId'} alone`,
      'set both accessKeyId and secretAccessKey, or neither',
    )
  return {
    id: typeof accessKeyId === 'string' ? accessKeyId : context.secret(accessKeyId),
    key: context.secret(secretAccessKey),
    token: context.secret(sessionToken),
  }
}
