import {
  defineStep,
  isPending,
  type Backup,
  type DataArchive,
  type Finding,
  type Look,
  type MountFacts,
} from '../../src/index.ts'
import { filed, makingOf, mounted } from './lib/destination.ts'

type Input = {
  readonly data: DataArchive
  /** Refuse a target that configures no mount. A configured mount is checked either way. */
  readonly mountCheck: boolean
}
type Output = {
  readonly point: string | null
  readonly backups: number
  readonly bytes: number
  readonly newBytes: number
  readonly freeBytes: number
}

/** Share of the quota at which the step warns. */
const alertFrom = 0.8

/** Checks that the backup drive is mounted, is the right one, and has room for one more backup. */
export const checkDestination = defineStep<Input, Output>({
  kind: 'backups.check-destination',
  version: 1,
  effect: 'observe',
  describe: ({ data }) => {
    if (isPending(data)) return 'Checks the backup drive.'
    const mount = data.making?.mount ?? null
    const sentinel = mount?.sentinel == null ? '' : `, has ${mount.sentinel}`
    const drive =
      mount === null
        ? ''
        : `that ${mount.path} is mounted${sentinel} and answers within ${mount.timeoutSeconds} s, and `
    return `Checks ${drive}that ${data.place.directory} has room for one more backup.`
  },
  preflight: async (look, { data, mountCheck }) => {
    if (isPending(data)) return []
    const unnamed = mountCheck === true && makingOf(data).mount === null
    return unnamed
      ? [
          {
            level: 'refuse',
            about: 'data.mount',
            problem: '--mount-check requires a drive, and none is configured',
            hint: 'set data.mount in runbook.config.ts',
          },
        ]
      : findings(data, await spaceOf(look, data))
  },
  run: async (look, { data }) => {
    const space = await spaceOf(look, data)
    look.note(usage(data, space))
    return space
  },
})

async function spaceOf(look: Look, data: DataArchive): Promise<Output> {
  const mount: MountFacts | null = await mounted(look, data)
  const backups = await filed(look, data)
  const newBytes = forecast(backups, backups.length === 0 ? await bytesIn(look, makingOf(data).source) : 0)
  return {
    point: mount?.point ?? null,
    backups: backups.length,
    bytes: backups.reduce((sum, { bytes }) => sum + bytes, 0),
    newBytes,
    freeBytes: mount?.bytesFree ?? (await look.files.freeBytes(data.place.directory)),
  }
}

/** Adds up file sizes without reading contents, so files may change meanwhile. */
async function bytesIn(look: Look, path: string): Promise<number> {
  const facts = await look.files.stat(path)
  if (facts?.kind !== 'directory') return facts?.kind === 'file' ? facts.bytes : 0
  let bytes = 0
  for (const name of await look.files.list(path)) bytes += await bytesIn(look, `${path}/${name}`)
  return bytes
}

/**
 * Bytes that the next backup may need: the newest one plus 10 %; without one, all that the live folder holds.
 */
export function forecast(backups: readonly Backup[], liveBytes: number): number {
  const [newest] = backups
  return newest === undefined ? liveBytes : Math.ceil(newest.bytes * 1.1)
}

export function findings(
  data: DataArchive,
  { bytes, newBytes, freeBytes }: Pick<Output, 'bytes' | 'newBytes' | 'freeBytes'>,
): readonly Finding[] {
  const { directory } = data.place
  const { quotaBytes } = makingOf(data)
  const found: Finding[] = []
  if (freeBytes < newBytes) {
    found.push({
      level: 'refuse',
      about: directory,
      problem: `one more backup may need ${megabytes(newBytes)}, and ${directory} has ${megabytes(freeBytes)} free`,
      hint: 'free disk space there; a later run with --prune removes old backups',
    })
  }
  if (quotaBytes !== null && bytes + newBytes >= quotaBytes * alertFrom) {
    const percent = Math.round(((bytes + newBytes) / quotaBytes) * 100)
    found.push({
      level: 'warn',
      about: directory,
      problem: `one more backup would bring usage to ${percent} % of the quota of ${megabytes(quotaBytes)}`,
      hint: 'keep fewer backups (--keep N --prune), or raise data.quota in runbook.config.ts',
    })
  }
  return found
}

function usage(data: DataArchive, { backups, bytes, freeBytes }: Output): string {
  const { quotaBytes } = makingOf(data)
  const share = quotaBytes === null ? '' : `, ${Math.round((bytes / quotaBytes) * 100)} % of the quota`
  return `${data.place.directory}: ${backups} backups, ${megabytes(bytes)}${share}; ${megabytes(freeBytes)} free`
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
