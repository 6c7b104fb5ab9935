import { Writable } from 'node:stream'
import type { GitView } from '../../drivers/git.ts'
import type { Scope } from '../../drivers/scope.ts'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import type { Shell } from '../process/shell.ts'
import { statusOf, topOf, workTreeIn } from './work-tree.ts'

const largestFile = 16 * 1024 * 1024
const largestList = 64 * 1024 * 1024

/**
 * A call of git. Settings that can run programs are off (git-config(1): core.fsmonitor, core.hooksPath,
 * core.pager), and a child inherits no GIT_* variable. A repository of another owner is accepted, since it
 * was configured on purpose: `safe.directory=*`, because git compares with the top of the work tree, which is
 * unknown before the call.
 */
export function gitArguments(
  directory: string,
  args: readonly string[],
  paths: 'literal' | 'as they are' = 'literal',
): readonly string[] {
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
    ...(paths === 'literal' ? ['--literal-pathspecs'] : []),
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
    maxBytes: number,
    paths: 'literal' | 'as they are' = 'literal',
  ): Promise<{ readonly exitCode: number; readonly stderrTail: string; readonly body: Buffer }> => {
    const chunks: Buffer[] = []
    let length = 0
    const stdout = new Writable({
      write: (chunk: Buffer, _, done) => {
        length += chunk.length
        chunks.push(chunk)
        done(
          length > maxBytes
            ? cannot('read', shellWord(directory), `git printed more than ${maxBytes} bytes`, {
                code: 'failed',
                hint: `check: git ${args.map((arg) => shellWord(arg)).join(' ')}`,
              })
            : null,
        )
      },
    })
    const env = { GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0', GIT_NO_LAZY_FETCH: '1', LC_ALL: 'C' }
    const { exitCode, stderrTail } = await shell.run(
      { argv: gitArguments(directory, args, paths), cwd: directory, env, stdout },
      scope,
    )
    return { exitCode, stderrTail, body: Buffer.concat(chunks) }
  }
  const text = async (directory: string, args: readonly string[], what: string): Promise<string> => {
    const { exitCode, stderrTail, body } = await bytes(directory, args, largestList)
    if (exitCode === 0) return body.toString()
    const code =
      /not a git repository|does not have any commits|unknown revision|ambiguous argument 'HEAD'/.test(
        stderrTail,
      )
        ? 'preflight'
        : 'failed'
    throw cannot('read', `${what} of ${shellWord(directory)}`, lastLine(stderrTail), {
      code,
      hint: `check: git -C ${shellWord(directory)} status`,
    })
  }
  const fields = (listed: string): readonly string[] => listed.split('\0').filter((field) => field !== '')
  return {
    async head(directory) {
      const [last, listed] = await Promise.allSettled([
        text(directory, ['log', '-1', '--no-show-signature', '--format=%H%n%ct', 'HEAD'], 'the last commit'),
        text(directory, ['tag', '--points-at', 'HEAD'], 'the tags'),
      ])
      // Without a commit both fail, and only this says so.
      if (last.status === 'rejected') throw last.reason
      if (listed.status === 'rejected') throw listed.reason
      const [sha = '', committed = ''] = last.value.split('\n')
      const tags = listed.value
        .split('\n')
        .filter((tag) => tag !== '')
        .sort()
      return { sha, committedAt: new Date(Number(committed) * 1000).toISOString(), tags }
    },
    async dirty(directory) {
      const [listed, prefix] = await Promise.all([
        text(
          directory,
          ['status', '--porcelain=v1', '-z', '--no-renames', '--untracked-files=all', '--', '.'],
          'the status',
        ),
        text(directory, ['rev-parse', '--show-prefix'], 'the top folder'),
      ])
      const top = prefix.trimEnd()
      const paths = (untracked: boolean): readonly string[] =>
        fields(listed)
          .filter((field) => field.startsWith('?? ') === untracked)
          .map((field) => field.slice(3))
          .map((path) => (path.startsWith(top) ? path.slice(top.length) : path))
          .sort()
      return { changed: paths(false), untracked: paths(true) }
    },
    async workTrees(directories) {
      const tops = await Promise.all(directories.map(topOf))
      // One program for each work tree, since a run asks this at its start.
      const listed = new Map<string, Promise<string>>()
      for (const top of tops) {
        if (top === null || listed.has(top.folder)) continue
        const own = tops.flatMap((one) => (one?.folder === top.folder ? [one.below] : []))
        listed.set(top.folder, text(top.folder, statusOf(top.folder, own), 'the status'))
      }
      return Promise.all(
        tops.map(async (top) => {
          const status = top === null ? undefined : await listed.get(top.folder)
          return top === null || status === undefined ? null : workTreeIn(fields(status), top.below)
        }),
      )
    },
    async tracked(directory) {
      const listed = trackedIn(
        fields(await text(directory, ['ls-files', '-z', '--stage', '--recurse-submodules'], 'the files')),
      )
      const [missing] = listed.notCheckedOut
      if (missing === undefined) return listed.files
      throw cannot(
        'list',
        `the files of submodule ${shellWord(missing)} of ${shellWord(directory)}`,
        'it is not checked out',
        { code: 'failed', hint: `try: git -C ${shellWord(directory)} submodule update --init` },
      )
    },
    async ignores(directory, path) {
      // check-ignore refuses --literal-pathspecs. git-check-ignore(1): 0 for ignored, 1 for not, 128 for a fatal error.
      const { exitCode } = await bytes(
        directory,
        ['check-ignore', '--quiet', '--', path],
        largestList,
        'as they are',
      )
      return exitCode === 0 ? true : exitCode === 1 ? false : null
    },
    async show(directory, revision, path) {
      if (revision === '' || revision.startsWith('-') || revision.includes(':'))
        throw new RunbookError('usage', `${JSON.stringify(revision)} is not a revision`, {
          hint: 'give HEAD~1, a tag or a commit',
        })
      const { exitCode, stderrTail, body } = await bytes(
        directory,
        ['cat-file', 'blob', `${revision}:./${path}`],
        largestFile,
      )
      if (exitCode === 0) return body
      throw cannot(
        'read',
        `${shellWord(path)} at ${shellWord(revision)} in ${shellWord(directory)}`,
        lastLine(stderrTail),
        {
          code: 'failed',
          hint: `list its revisions: git -C ${shellWord(directory)} log --oneline -- ${shellWord(path)}`,
        },
      )
    },
    async history(directory, path, maxCount) {
      const log = await text(
        directory,
        ['log', `--max-count=${maxCount}`, '--no-show-signature', '--format=%H%x00%ct%x00%s', '--', path],
        'the history',
      )
      return log
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => {
          const [sha = '', committed = '', subject = ''] = line.split('\0')
          return { sha, committedAt: new Date(Number(committed) * 1000).toISOString(), subject }
        })
    },
  }
}

/**
 * Parses lines of `git ls-files --stage --recurse-submodules`. A submodule is listed by its files, or as mode
 * 160000 if it is not checked out.
 */
export function trackedIn(lines: readonly string[]): {
  readonly files: readonly string[]
  readonly notCheckedOut: readonly string[]
} {
  const entries = lines.map((line) => ({
    submodule: line.startsWith('160000 '),
    path: line.slice(line.indexOf('\t') + 1),
  }))
  const paths = (ofSubmodules: boolean): readonly string[] =>
    [...new Set(entries.filter(({ submodule }) => submodule === ofSubmodules).map(({ path }) => path))].sort()
  return { files: paths(false), notCheckedOut: paths(true) }
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? ''
