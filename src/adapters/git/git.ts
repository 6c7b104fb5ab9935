import { Writable } from 'node:stream'
import type { GitView } from '../../drivers/git.ts'
import type { Scope } from '../../drivers/scope.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import type { Shell } from '../process/shell.ts'

const largestFile = 16 * 1024 * 1024
const largestList = 64 * 1024 * 1024

/**
 * git of this machine. Settings that could run something are switched off (git-config(1): core.fsmonitor, core.hooksPath, core.pager,
 * diff.external); a child inherits no GIT_* variable. A repository of another owner is read, since it was named on purpose: `*`, for git
 * compares with the top of the work tree, which is not known before it was asked.
 */
export function gitArguments(directory: string, args: readonly string[]): readonly string[] {
  const off = [
    'core.fsmonitor=false',
    'core.hooksPath=/dev/null',
    'core.pager=cat',
    'core.quotePath=false',
    'safe.directory=*',
  ]
  return [
    'git',
    '--no-pager',
    '--no-optional-locks',
    '--literal-pathspecs',
    ...off.flatMap((setting) => ['-c', setting]),
    '-C',
    directory,
    ...args,
  ]
}

export function systemGit({
  shell,
  scope,
}: {
  readonly shell: Pick<Shell, 'run'>
  readonly scope: Scope
}): GitView {
  const bytes = async (
    directory: string,
    args: readonly string[],
    most: number,
  ): Promise<{ readonly exitCode: number; readonly stderrTail: string; readonly body: Buffer }> => {
    const chunks: Buffer[] = []
    let length = 0
    const stdout = new Writable({
      write: (chunk: Buffer, _, done) => {
        length += chunk.length
        chunks.push(chunk)
        done(
          length > most
            ? new RunbookError(
                'failed',
                `git told more than the ${most} bytes that are allowed here about ${shellWord(directory)}`,
                { hint: `git ${args.join(' ')}` },
              )
            : null,
        )
      },
    })
    const env = { GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0', GIT_NO_LAZY_FETCH: '1', LC_ALL: 'C' }
    const { exitCode, stderrTail } = await shell.run(
      { argv: gitArguments(directory, args), cwd: directory, env, stdout },
      scope,
    )
    return { exitCode, stderrTail, body: Buffer.concat(chunks) }
  }
  const text = async (directory: string, args: readonly string[], doing: string): Promise<string> => {
    const { exitCode, stderrTail, body } = await bytes(directory, args, largestList)
    if (exitCode === 0) return body.toString()
    throw new RunbookError(
      /not a git repository|does not have any commits|unknown revision|ambiguous argument 'HEAD'/.test(
        stderrTail,
      )
        ? 'preflight'
        : 'failed',
      `could not ${doing} ${shellWord(directory)}: ${lastLine(stderrTail)}`,
      { hint: `look: git -C ${shellWord(directory)} status` },
    )
  }
  const fields = (listed: string): readonly string[] => listed.split('\0').filter((field) => field !== '')
  return {
    async head(directory) {
      const [sha = '', committed = ''] = (
        await text(
          directory,
          ['log', '-1', '--no-show-signature', '--format=%H%n%ct', 'HEAD'],
          'read the last commit of',
        )
      ).split('\n')
      const tags = (await text(directory, ['tag', '--points-at', 'HEAD'], 'read the tags of'))
        .split('\n')
        .filter((tag) => tag !== '')
        .sort()
      return { sha, committedAt: new Date(Number(committed) * 1000).toISOString(), tags }
    },
    async dirty(directory) {
      const listed = await text(
        directory,
        ['status', '--porcelain=v1', '-z', '--no-renames', '--untracked-files=all', '--', '.'],
        'compare with the last commit',
      )
      const top = (await text(directory, ['rev-parse', '--show-prefix'], 'find')).trimEnd()
      const paths = (untracked: boolean): readonly string[] =>
        fields(listed)
          .filter((field) => field.startsWith('?? ') === untracked)
          .map((field) => field.slice(3))
          .map((path) => (path.startsWith(top) ? path.slice(top.length) : path))
          .sort()
      return { changed: paths(false), untracked: paths(true) }
    },
    async tracked(directory) {
      const listed = trackedIn(
        fields(
          await text(directory, ['ls-files', '-z', '--stage', '--recurse-submodules'], 'list the files of'),
        ),
      )
      const [hollow] = listed.hollow
      if (hollow === undefined) return listed.files
      throw new RunbookError(
        'failed',
        `the submodule ${shellWord(hollow)} of ${shellWord(directory)} is not checked out, so its files cannot be listed`,
        { hint: `git -C ${shellWord(directory)} submodule update --init` },
      )
    },
    async show(directory, revision, path) {
      if (revision === '' || revision.startsWith('-') || revision.includes(':'))
        throw new RunbookError('usage', `${JSON.stringify(revision)} is no revision`, {
          hint: 'write HEAD~1, a tag or a commit',
        })
      const { exitCode, stderrTail, body } = await bytes(
        directory,
        ['cat-file', 'blob', `${revision}:./${path}`],
        largestFile,
      )
      if (exitCode === 0) return body
      throw new RunbookError(
        'failed',
        `could not read ${shellWord(path)} as of ${shellWord(revision)} in ${shellWord(directory)}: ${lastLine(stderrTail)}`,
        { hint: `which are there? git -C ${shellWord(directory)} log --oneline -- ${shellWord(path)}` },
      )
    },
    async history(directory, path, most) {
      const told = await text(
        directory,
        ['log', `--max-count=${most}`, '--no-show-signature', '--format=%H%x00%ct%x00%s', '--', path],
        'read the history of',
      )
      return told
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => {
          const [sha = '', committed = '', subject = ''] = line.split('\0')
          return { sha, committedAt: new Date(Number(committed) * 1000).toISOString(), subject }
        })
    },
  }
}

/** Lines of `git ls-files --stage`. A submodule that was gone into is told by its files; one that is not checked out stands there itself, as mode 160000. */
export function trackedIn(lines: readonly string[]): {
  readonly files: readonly string[]
  readonly hollow: readonly string[]
} {
  const entries = lines.map((line) => ({
    submodule: line.startsWith('160000 '),
    path: line.slice(line.indexOf('\t') + 1),
  }))
  const paths = (wanted: boolean): readonly string[] =>
    [...new Set(entries.filter(({ submodule }) => submodule === wanted).map(({ path }) => path))].sort()
  return { files: paths(false), hollow: paths(true) }
}

const lastLine = (told: string): string => told.trim().split('\n').at(-1) ?? ''
