export type MountLine = {
  readonly point: string
  readonly type: string
  readonly source: string
  /** Number of its file system, `8:1`, and the folder of that which the mount shows. */
  readonly device: string
  readonly root: string
}

/**
 * The lines of /proc/self/mountinfo (proc_pid_mountinfo(5)): the third to fifth field are device, root and mount point,
 * type and source follow a lone hyphen; space, tab, newline and backslash are octal escapes.
 */
function linesOf(mountinfo: string): readonly MountLine[] {
  const unescaped = (text = ''): string =>
    text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
  return mountinfo
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const fields = line.split(' ')
      const hyphen = fields.indexOf('-', 6)
      return {
        point: unescaped(fields[4]),
        type: unescaped(fields[hyphen + 1]),
        source: unescaped(fields[hyphen + 2]),
        device: fields[2] ?? '',
        root: unescaped(fields[3]),
      }
    })
}

/** Mount points at or below a folder, bind mounts included. */
export function mountsWithin(folder: string, mountinfo: string): readonly string[] {
  return linesOf(mountinfo)
    .map(({ point }) => point)
    .filter((point) => point === folder || point.startsWith(`${folder}/`))
}

/** The nearest mount at or above a path; of several at one point the last, which hides the others. */
export function mountOf(path: string, mountinfo: string): MountLine | undefined {
  const above = linesOf(mountinfo).filter(
    ({ point }) => point === '/' || path === point || path.startsWith(`${point}/`),
  )
  const nearest = Math.max(...above.map(({ point }) => point.length))
  return above.findLast(({ point }) => point.length === nearest)
}

const within = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`)

/** Mount points, outside a path, that show it or something in it as well: bind mounts. */
export function shownAt(path: string, mountinfo: string): readonly string[] {
  const own = mountOf(path, mountinfo)
  if (own === undefined) return []
  const rest = own.point === '/' ? path : path.slice(own.point.length)
  const inside = `${own.root === '/' ? '' : own.root}${rest}`
  return linesOf(mountinfo)
    .filter(
      ({ device, root, point }) => device === own.device && within(root, inside) && !within(point, path),
    )
    .map(({ point }) => point)
}
