/**
 * A line of the deployment history that teams keep beside their code:
 * `DATE | VERSION | GIT_SHA | DEPLOYED_BY | STATUS`. Their own scripts append to it, people add the newest on
 * top, and some lines have four fields; all of that is read. We write all five.
 */
export type Deployment = {
  /** In the time zone of the machine that wrote it: `2024-01-11 10:30:00`. */
  readonly date: string
  readonly version: string
  /** Null where the line has none, or `ROLLBACK` in its place, as one team's script writes it. */
  readonly sha: string | null
  readonly by: string | null
  /** `SUCCESS`, `FAILED`, `ROLLED_BACK`; null where the line has no known status. */
  readonly status: Status | null
  /** Whether it brought an older version back. */
  readonly rollback: boolean
}

export type Status = (typeof statuses)[number]
const statuses = ['SUCCESS', 'FAILED', 'ROLLED_BACK'] as const

export type History = {
  /** Oldest first by date; of equal dates the lower line counts as the later one. */
  readonly deployments: readonly Deployment[]
  /** Lines that are neither a deployment nor a comment, for a person to fix. */
  readonly unreadable: readonly { readonly line: number; readonly text: string }[]
}

export const header = '# Format: DATE | VERSION | GIT_SHA | DEPLOYED_BY | STATUS\n'

export function readHistory(text: string): History {
  const deployments: Deployment[] = []
  const unreadable: { line: number; text: string }[] = []
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const read = readLine(line)
    if (read === null) unreadable.push({ line: index + 1, text: line.slice(0, 200) })
    else deployments.push(read)
  }
  return {
    deployments: deployments.toSorted((one, other) =>
      one.date < other.date ? -1 : one.date > other.date ? 1 : 0,
    ),
    unreadable,
  }
}

/** Upper limit of a deployment history, in bytes. */
export const longestHistory = 16 * 1024 * 1024

const dateForm = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}(?::\d{2})?)(?:\.\d+)?(Z|[+-]\d{2}:?\d{2})?$/
const versionForm = /^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,127}$/

function readLine(line: string): Deployment | null {
  const fields = line.split('|').map((field) => field.trim())
  const [when = '', version = ''] = fields
  const date = dateForm.exec(when)
  if (date === null || !versionForm.test(version) || fields.length < 4 || fields.length > 5) return null
  const status = statusOf(fields.at(-1) ?? '')
  const [third = '', fourth = ''] = fields.slice(2)
  const [sha, by] =
    fields.length === 5 || status === null
      ? [third, fourth]
      : looksLikeSha(third) || third === rollbackMark
        ? [third, '']
        : ['', third]
  return {
    date: `${date[1]} ${date[2]?.padEnd(8, ':00')}`,
    version,
    sha: looksLikeSha(sha) ? sha : null,
    by: by === '' ? null : by,
    status,
    rollback: third === rollbackMark,
  }
}

const rollbackMark = 'ROLLBACK'
const statusOf = (text: string): Status | null =>
  statuses.find((status) => status === text.toUpperCase().replaceAll(/[ -]/g, '_')) ?? null
/**
 * Letters beyond f too, since people invent them. Seven letters without a digit are a person's name, unless
 * hex.
 */
const looksLikeSha = (text: string): boolean =>
  /^(?=.*\d)[0-9a-z]{7,40}$/i.test(text) || /^[0-9a-f]{7,40}$/i.test(text)

/** The tags that an image of this deployment may have, the most specific first: `0.0.9-def5678`, `0.0.9`. */
export function tagsOf({ version, sha }: Pick<Deployment, 'version' | 'sha'>): readonly string[] {
  return sha === null || version.endsWith(`-${sha}`) ? [version] : [`${version}-${sha}`, version]
}

/** Whether two spellings mean the same version: `0.1.0`, `0.1.0-abc1234`, a leading `v`. */
export function sameVersion(one: string, other: string): boolean {
  const [short = '', long = ''] = [one, other]
    .map((text) => text.replace(/^v(?=\d)/, ''))
    .toSorted((a, b) => a.length - b.length)
  return short === long || (long.startsWith(`${short}-`) && looksLikeSha(long.slice(short.length + 1)))
}

const isOf =
  (version: string) =>
  (deployment: Deployment): boolean =>
    tagsOf(deployment).some((tag) => sameVersion(tag, version))

/**
 * The newest good deployment before the version that is to be left, or null. Good means: deployed before
 * `before` was first deployed, and still good according to the latest entry about it.
 * @param before the version that runs; null where it is unknown, which takes the newest good one of all
 */
export function lastGood(
  { deployments }: Pick<History, 'deployments'>,
  { before }: { readonly before: string | null },
): Deployment | null {
  const first = before === null ? -1 : deployments.findIndex(isOf(before))
  const earlier = first < 0 ? deployments : deployments.slice(0, first)
  const mayBe = (candidate: Deployment): boolean =>
    candidate.status === 'SUCCESS' &&
    (before === null || !isOf(before)(candidate)) &&
    stillGood(deployments, candidate)
  return earlier.findLast(mayBe) ?? null
}

/**
 * The latest entry about a version counts; a successful rollback after it means that the version was
 * abandoned.
 */
function stillGood(deployments: readonly Deployment[], { version }: Deployment): boolean {
  const last = deployments.findLastIndex(isOf(version))
  if (deployments[last]?.status !== 'SUCCESS') return false
  return deployments.slice(last + 1).find(({ status }) => status === 'SUCCESS')?.rollback !== true
}

/** A line in the declared format, without a newline. In local time, as the teams' scripts write it. */
export function lineOf(
  at: Date,
  {
    version,
    sha,
    by,
    status,
  }: { readonly version: string; readonly sha: string | null; readonly by: string; readonly status: Status },
): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
  return [date, version, sha ?? '-', by, status]
    .map((field) => field.replaceAll(/[\p{Cc}|]/gu, ' ').trim() || '-')
    .join(' | ')
}

/** Splits a tag into version and SHA: `0.0.9-def5678` is 0.0.9 at def5678. */
export function splitTag(tag: string): { readonly version: string; readonly sha: string | null } {
  const cut = tag.lastIndexOf('-')
  const sha = tag.slice(cut + 1)
  return cut > 0 && looksLikeSha(sha) ? { version: tag.slice(0, cut), sha } : { version: tag, sha: null }
}
