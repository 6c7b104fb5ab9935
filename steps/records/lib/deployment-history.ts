/**
 * The deployment history that teams keep beside their code: `DATE | VERSION | GIT_SHA | DEPLOYED_BY | STATUS`, a line a deployment.
 * Their own scripts append to it, people put the newest on top, and some lines have four fields; all of that is read. What is written
 * has all five.
 */
export type Deployment = {
  /** As it stands there: `2024-01-11 10:30:00`, in the time of the machine that wrote it. */
  readonly date: string
  readonly version: string
  /** Null where the line has none, or has `ROLLBACK` in its place as a script of one team writes it. */
  readonly sha: string | null
  readonly by: string | null
  /** `SUCCESS`, `FAILED`, `ROLLED_BACK`; null where the line says nothing that is known. */
  readonly status: Status | null
  /** It brought an older version back. */
  readonly rollback: boolean
}

export type Status = (typeof statuses)[number]
const statuses = ['SUCCESS', 'FAILED', 'ROLLED_BACK'] as const

export type History = {
  /** Oldest first, by their dates; of equal dates the lower line counts as the later one. */
  readonly deployments: readonly Deployment[]
  /** Lines that are neither a deployment nor a comment, for somebody to mend. */
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

/** Bytes that a deployment history may have. */
export const longestHistory = 16 * 1024 * 1024

const dateForm = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}(?::\d{2})?)(?:\.\d+)?(Z|[+-]\d{2}:?\d{2})?$/
const versionForm = /^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,127}$/

function readLine(line: string): Deployment | null {
  const fields = line.split('|').map((field) => field.trim())
  const [when = '', version = ''] = fields
  const date = dateForm.exec(when)
  if (date === null || !versionForm.test(version) || fields.length < 4 || fields.length > 5) return null
  const said = statusOf(fields.at(-1) ?? '')
  const [third = '', fourth = ''] = fields.slice(2)
  const [sha, by] =
    fields.length === 5 || said === null
      ? [third, fourth]
      : looksLikeSha(third) || third === rollbackMark
        ? [third, '']
        : ['', third]
  return {
    date: `${date[1]} ${date[2]?.padEnd(8, ':00')}`,
    version,
    sha: looksLikeSha(sha) ? sha : null,
    by: by === '' ? null : by,
    status: said,
    rollback: third === rollbackMark,
  }
}

const rollbackMark = 'ROLLBACK'
const statusOf = (text: string): Status | null =>
  statuses.find((status) => status === text.toUpperCase().replaceAll(/[ -]/g, '_')) ?? null
/** Letters beyond f too, since people invent them. A name of seven letters without a digit is a person's. */
const looksLikeSha = (text: string): boolean =>
  /^(?=.*\d)[0-9a-z]{7,40}$/i.test(text) || /^[0-9a-f]{7,40}$/i.test(text)

/** What an image of this deployment may be tagged, the most telling first: `0.0.9-def5678`, `0.0.9`. */
export function tagsOf({ version, sha }: Pick<Deployment, 'version' | 'sha'>): readonly string[] {
  return sha === null || version.endsWith(`-${sha}`) ? [version] : [`${version}-${sha}`, version]
}

/** Whether two ways to write a version mean the same: `0.1.0`, `0.1.0-abc1234`, a leading `v`. */
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
 * The newest deployment that went well before the one that is to be left, or null.
 * Good is what was deployed before `before` was deployed first, and what still is good by the last word on it.
 * @param before the version that runs; null where nobody knows it, and then the newest good one of all is taken
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

/** The last word on a version counts, and a rollback that went well says of the version before it that it was left. */
function stillGood(deployments: readonly Deployment[], { version }: Deployment): boolean {
  const last = deployments.findLastIndex(isOf(version))
  if (deployments[last]?.status !== 'SUCCESS') return false
  return deployments.slice(last + 1).find(({ status }) => status === 'SUCCESS')?.rollback !== true
}

/** A line as the declared format has it, without the newline. The time is that of this machine, as in the lines of the teams' scripts. */
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

/** Version and sha out of a tag: `0.0.9-def5678` is 0.0.9 of def5678. */
export function partsOf(tag: string): { readonly version: string; readonly sha: string | null } {
  const cut = tag.lastIndexOf('-')
  const sha = tag.slice(cut + 1)
  return cut > 0 && looksLikeSha(sha) ? { version: tag.slice(0, cut), sha } : { version: tag, sha: null }
}
