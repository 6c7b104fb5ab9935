import { describe, expect, test } from 'vitest'
import { accountsFrom } from '../../src/config/accounts.ts'
import { Trust, type FileFacts } from '../../src/config/trust.ts'

const passwd = `root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/false
ada:x:1000:1000::/home/ada:/bin/sh
bob:x:1001:1001::/home/bob:/bin/sh
eve:x:1002:100::/home/eve:/bin/sh
`
const group = `root:x:0:
staff:x:50:
users:x:100:
ada:x:1000:
bob:x:1001:ada
deploy:x:2000:ada,bob
alone:x:2001:ada
`

type Node = { readonly uid?: number; readonly gid?: number; readonly mode: number; readonly to?: string }

/** A tree of files; a path that ends with a slash is a folder. */
const filesOf = (tree: { readonly [path: string]: Node }): FileFacts => ({
  lstat(path) {
    const folder = tree[`${path}/`]
    const node = folder ?? tree[path]
    if (node === undefined) return null
    const uid = node.uid ?? 1000
    return {
      uid,
      gid: node.gid ?? uid,
      mode: node.mode,
      isDirectory: () => folder !== undefined,
      isSymbolicLink: () => node.to !== undefined,
    }
  },
  readlink: (path) => tree[path]?.to ?? '',
})

const safe = {
  '/home/': { uid: 0, mode: 0o755 },
  '/home/ada/': { mode: 0o750 },
  '/home/ada/ops/': { mode: 0o755 },
  '/home/ada/ops/runbook.config.ts': { mode: 0o644 },
}
const config = '/home/ada/ops/runbook.config.ts'

type Who = {
  readonly uid?: number | null
  readonly sudoUid?: string
  readonly trust?: readonly string[]
  readonly group?: string
  readonly passwd?: string
}

function trusting(tree: { readonly [path: string]: Node }, file = config, who: Who = {}) {
  const accepted: string[] = []
  const trust = new Trust(
    {
      files: filesOf({ ...safe, ...tree }),
      accounts: accountsFrom(who.passwd ?? passwd, who.group ?? group, 'linux'),
      uid: who.uid === undefined ? 1000 : who.uid,
      sudoUid: who.sudoUid,
    },
    who.trust ?? [],
    (flaw) => accepted.push(flaw),
  )
  try {
    trust.check(file)
    return { refusal: null, accepted }
  } catch (thrown) {
    return { refusal: thrown as { readonly message: string; readonly hint: string }, accepted }
  }
}

describe('code is loaded', () => {
  test.each<[string, { readonly [path: string]: Node }, string?, Who?]>([
    ['from our own files', {}],
    ["from root's files", { [config]: { uid: 0, mode: 0o644 } }],
    [
      'with umask 002, where the group is our own and has no other members',
      {
        '/home/ada/ops/': { mode: 0o775 },
        [config]: { mode: 0o664 },
      },
    ],
    ['below a sticky folder of root', { '/home/': { uid: 0, mode: 0o1777 } }],
    [
      'in a sticky folder of root',
      { '/tmp/': { uid: 0, mode: 0o1777 }, '/tmp/a.ts': { mode: 0o644 } },
      '/tmp/a.ts',
    ],
    ['below a folder of a system group without members', { '/home/': { uid: 0, gid: 50, mode: 0o2775 } }],
    ['below a folder of the group of root', { '/home/': { uid: 0, gid: 0, mode: 0o775 } }],
    [
      'by an id that no file lists, from its own group',
      {
        '/home/ada/': { uid: 4242, mode: 0o750 },
        '/home/ada/ops/': { uid: 4242, mode: 0o775 },
        [config]: { uid: 4242, mode: 0o664 },
      },
      config,
      { uid: 4242 },
    ],
    [
      'by root through sudo, from files of the user who typed it',
      { [config]: { mode: 0o664 } },
      config,
      { uid: 0, sudoUid: '1000' },
    ],
    [
      'through a link of our own to a safe file',
      {
        '/home/ada/link.ts': { mode: 0o777, to: 'ops/runbook.config.ts' },
      },
      '/home/ada/link.ts',
    ],
    ['where there are no owners', { [config]: { uid: 1002, mode: 0o666 } }, config, { uid: null }],
  ])('%s', (_, tree, file, who) => {
    expect(trusting(tree, file, who)).toEqual({ refusal: null, accepted: [] })
  })
})

describe('code is refused', () => {
  test.each<[string, { readonly [path: string]: Node }, string, string, string?, Who?]>([
    [
      "from another user's file",
      { [config]: { uid: 1002, mode: 0o644 } },
      'it belongs to eve, and this program runs as ada',
      'chown ada',
    ],
    [
      "below another user's folder",
      { '/home/ada/ops/': { uid: 1001, mode: 0o755 } },
      '/home/ada/ops belongs to bob',
      'chown ada /home/ada/ops',
    ],
    [
      'from a world-writable file',
      { [config]: { mode: 0o646 } },
      'it is world-writable',
      `chmod o-w ${config}`,
    ],
    [
      'below a world-writable folder',
      { '/home/': { uid: 0, mode: 0o777 } },
      '/home is world-writable',
      'chmod o-w /home',
    ],
    [
      "from another user's file in a sticky folder",
      { '/tmp/': { uid: 0, mode: 0o1777 }, '/tmp/a.ts': { uid: 65_534, mode: 0o644 } },
      'it belongs to nobody',
      'chown',
      '/tmp/a.ts',
    ],
    [
      "below another user's sticky folder",
      { '/home/': { uid: 1002, mode: 0o1777 } },
      '/home belongs to eve',
      'chown',
    ],
    [
      'below a folder that a group can write',
      { '/home/ada/ops/': { gid: 2000, mode: 0o775 } },
      '/home/ada/ops can be written by the group deploy',
      'chmod g-w /home/ada/ops',
    ],
    [
      'from a file that a group can write',
      { [config]: { gid: 100, mode: 0o664 } },
      'it can be written by the group users',
      'chmod g-w',
    ],
    [
      'where a group of one could get more members',
      { [config]: { gid: 2001, mode: 0o664 } },
      'it can be written by the group alone',
      'chmod g-w',
    ],
    [
      'from a private group that has another member',
      { [config]: { uid: 1000, gid: 1001, mode: 0o664 } },
      'it can be written by the group bob',
      'chmod g-w',
      config,
      { uid: 1000 },
    ],
    [
      'from a group that no file lists',
      { [config]: { gid: 7777, mode: 0o664 } },
      'it can be written by the group group 7777',
      'chmod g-w',
    ],
    [
      'by root, from files of a user who did not call sudo',
      {},
      '/home/ada belongs to ada, and this program runs as root',
      'run it as ada',
      config,
      { uid: 0 },
    ],
    [
      'by a user, whatever SUDO_UID says',
      { [config]: { uid: 1002, mode: 0o644 } },
      'it belongs to eve',
      'chown',
      config,
      { sudoUid: '1002' },
    ],
    [
      'through a link to a file of another user',
      {
        '/home/ada/ops/runbook.config.ts': { mode: 0o777, to: '/srv/a.ts' },
        '/srv/': { uid: 0, mode: 0o755 },
        '/srv/a.ts': { uid: 1002, mode: 0o644 },
      },
      '/srv/a.ts belongs to eve',
      'chown',
    ],
    [
      "through another user's link",
      { '/tmp/': { uid: 0, mode: 0o1777 }, '/tmp/a.ts': { uid: 1002, mode: 0o777, to: config } },
      'it belongs to eve',
      'chown',
      '/tmp/a.ts',
    ],
    [
      'through a folder that is a link',
      {
        '/home/ada/lib': { mode: 0o777, to: '/srv/lib' },
        '/srv/': { uid: 0, mode: 0o755 },
        '/srv/lib/': { uid: 1002, mode: 0o755 },
        '/srv/lib/a.ts': { mode: 0o644 },
      },
      '/srv/lib belongs to eve',
      'chown',
      '/home/ada/lib/a.ts',
    ],
  ])('%s', (_, tree, says, cure, file = config, who = {}) => {
    const { refusal } = trusting(tree, file, who)
    expect(refusal).toMatchObject({ code: 'usage', message: expect.stringContaining(says) })
    expect(refusal?.message).toContain(`refused to load ${file}: `)
    expect(refusal?.hint).toContain(cure)
    expect(refusal?.hint).toContain('--trust')
  })
})

describe('--trust', () => {
  const tree = { '/home/ada/ops/': { gid: 2000, mode: 0o775 }, [config]: { uid: 1001, mode: 0o644 } }

  test.each([config, '/home/ada/ops', '/home'])('of %s loads it, and reports each flaw', (path) => {
    expect(trusting(tree, config, { trust: [path] })).toEqual({
      refusal: null,
      accepted: [
        '/home/ada/ops (can be written by the group deploy)',
        `${config} (belongs to bob, and this program runs as ada)`,
      ],
    })
  })

  test.each(['/home/ada/ops/other.ts', '/home/ada/op', '/home/ada/ops/runbook.config.ts/x'])(
    'of %s does not',
    (path) => {
      expect(trusting(tree, config, { trust: [path] }).refusal).not.toBeNull()
    },
  )
})

test('members that cannot be known make no group private on macOS', () => {
  expect(accountsFrom(passwd, group, 'darwin').isPrivate(50, new Set([0, 1000]))).toBe(false)
})
