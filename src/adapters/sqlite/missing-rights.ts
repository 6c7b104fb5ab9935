import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { ChangeNeedingRights, MissingRight } from '../../drivers/databases.ts'
import { shellWord } from '../../kernel/shell-quote.ts'

/** Who a process acts as. */
export type Account = { readonly uid: number; readonly groups: readonly number[] }

export const ownAccount = (): Account => ({
  uid: process.geteuid?.() ?? 0,
  groups: [process.getegid?.() ?? 0, ...(process.getgroups?.() ?? [])],
})

/** What the account lacks to replace or write a file, by owners and modes. Root lacks nothing that they say. */
export async function missingRights(
  file: string,
  change: ChangeNeedingRights,
  { uid, groups }: Account = ownAccount(),
): Promise<readonly MissingRight[]> {
  const folder = dirname(file)
  const [home, live] = await Promise.all([stat(folder), stat(file)])
  const lacks = (what: string, ...cures: readonly string[]): MissingRight => ({
    lacks: what,
    certain: true,
    cures,
  })
  const found: MissingRight[] = []
  if (!(await mayWrite(folder)))
    found.push(
      lacks(
        `the right to create files in ${folder} (owner ${home.uid})`,
        `setfacl -m u:${uid}:rwx ${shellWord(folder)}`,
      ),
    )
  // A copy is dropped without writing to the live file.
  if (change.do !== 'drop copies' && !(await mayWrite(file)))
    found.push(
      lacks(`the right to write ${file} (owner ${live.uid})`, `setfacl -m u:${uid}:rw ${shellWord(file)}`),
    )
  // The new file gets owner and group of the old one, and only root gives files away.
  const replaces = change.do === 'swap' || change.do === 'restore in place'
  if (replaces && uid !== 0 && (uid !== live.uid || !groups.includes(live.gid)))
    found.push(
      lacks(
        `the right to give a file the owner ${live.uid} and the group ${live.gid} of ${file}`,
        `run as user ${live.uid} with the group ${live.gid}, or as root`,
      ),
    )
  return found
}

const mayWrite = (path: string): Promise<boolean> =>
  access(path, constants.W_OK).then(
    () => true,
    () => false,
  )
