/** Identifies the run, step and call behind a process in a container; see {@link execArgv}. */
export type ExecTags = {
  readonly run: string
  readonly step: string
  /** Distinguishes concurrent calls of one step. */
  readonly call: string
}

export type ExecOptions = {
  readonly argv: readonly string[]
  readonly user?: string
  /** Names only: `docker exec` takes the values from its own environment, which `ps` does not show. */
  readonly envNames: readonly string[]
  readonly stdin: boolean
}

/**
 * `docker exec` of a program that can be found again. The tags are set by env(1) inside the container and not
 * by `--env`: the API shows the arguments of a running exec, but not its environment.
 */
export function execArgv(container: string, words: ExecOptions, tags: ExecTags): readonly string[] {
  return [
    'docker',
    'exec',
    ...(words.stdin ? ['--interactive'] : []),
    ...userFlag(words.user),
    ...words.envNames.flatMap((name) => ['--env', name]),
    container,
    'env',
    `RUNBOOK_RUN=${tags.run}`,
    `RUNBOOK_STEP=${tags.step}`,
    `RUNBOOK_CALL=${tags.call}`,
    ...words.argv,
  ]
}

const userFlag = (user: string | undefined): readonly string[] =>
  user === undefined || user === '' ? [] : ['--user', user]

/**
 * The tags in the program and arguments of an exec, as the API reports them. Null if this program did not
 * start it.
 */
export function tagsIn(program: string, words: readonly string[]): ExecTags | null {
  if (program !== 'env') return null
  const value = (name: string): string | undefined =>
    words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1)
  const [run, step, call] = [value('RUNBOOK_RUN'), value('RUNBOOK_STEP'), value('RUNBOOK_CALL')]
  return run === undefined || step === undefined || call === undefined ? null : { run, step, call }
}

/**
 * Ends every process in the container that has a call's tag: TERM, KILL after the grace period, exit code 3
 * if one survives. `$0` is the tag, `$1` the grace period in tenths of a second. The tag is an argument and
 * not in the environment, so the script does not find itself. It needs only a POSIX shell and grep.
 */
const endScript = `
tagged() { grep -ls "$0" /proc/[0-9]*/environ 2>/dev/null; }
each() { for file in $(tagged); do pid=\${file#/proc/}; kill -"$1" "\${pid%/environ}" 2>/dev/null; done; }
each TERM
left=$1
while [ -n "$(tagged)" ]; do
  if [ "$left" -le 0 ]; then
    [ "$left" -le -10 ] && exit 3
    each KILL
  fi
  left=$((left - 1))
  sleep 0.1 2>/dev/null || sleep 1
done
exit 0`

/**
 * The call that ends another one. It must run as the same user: without the SYS_PTRACE capability, which
 * containers lack, not even root can read the environment of another user's process (proc(5)).
 */
export function endArgv(
  container: string,
  user: string | undefined,
  tag: string,
  graceMilliseconds: number,
): readonly string[] {
  return [
    'docker',
    'exec',
    ...userFlag(user),
    container,
    'sh',
    '-c',
    endScript,
    tag,
    String(Math.ceil(graceMilliseconds / 100)),
  ]
}
