/**
 * Mount points at or below a folder, bind mounts included, from the text of /proc/self/mountinfo (proc_pid_mountinfo(5):
 * the fifth field, with space, tab, newline and backslash as octal escapes).
 */
export function mountsWithin(folder: string, mountinfo: string): readonly string[] {
  return mountinfo
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .map((point) => point.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))))
    .filter((point) => point === folder || point.startsWith(`${folder}/`))
}
