/** Who is behind a process in a container; see {@link execArgv}. */
export type Tags = {
  readonly run: string
  readonly step: string
  /** Of this one call, so that calls of one step which run side by side can be told apart. */
  readonly call: string
}

export type ExecWords = {
  readonly argv: readonly string[]
  readonly user?: string
  /** Names only: `docker exec` takes the values from its own environment, where no `ps` shows them. */
  readonly envNames: readonly string[]
  readonly stdin: boolean
}

/**
 * `docker exec` of a program that can be found again. The tags are given by env(1) inside the container, and not by `--env`, since the
 * daemon tells the arguments of a running exec to whoever asks, but not its environment: so a later run finds it over the API alone.
 */
export function execArgv(container: string, words: ExecWords, tags: Tags): readonly string[] {
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

/** What the daemon says of an exec: its program and arguments. Null for one that we did not start. */
export function tagsIn(program: string, words: readonly string[]): Tags | null {
  if (program !== 'env') return null
  const value = (name: string): string | undefined =>
    words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1)
  const [run, step, call] = [value('RUNBOOK_RUN'), value('RUNBOOK_STEP'), value('RUNBOOK_CALL')]
  return run === undefined || step === undefined || call === undefined ? null : { run, step, call }
}

/**
 * Ends every process in the container that carries a call's tag: TERM, KILL after the grace, exit code 3 where one survives.
 * `$0` is the tag, `$1` the grace in tenths of a second. The tag is an argument of this script and not in its environment, so it does
 * not find itself. Only what every POSIX shell with a grep has is used.
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
 * The call that ends another one. It must run as the same user: without the SYS_PTRACE capability, which containers lack, even root
 * may not read the environment of somebody else's process (proc(5)).
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
