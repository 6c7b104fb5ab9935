/** Users and groups of this machine, from `/etc/passwd` and `/etc/group`; directories on the network are not asked. */
export type Accounts = {
  nameOfUser(uid: number): string
  nameOfGroup(gid: number): string
  /**
   * Whether nobody but these users can use the rights of a group. Only where that is known: for a user's
   * private group, for groups of the system itself, and never for one that a directory may give to others.
   */
  isPrivate(gid: number, users: ReadonlySet<number>): boolean
}

/** Below it are groups that a distribution defines (Debian policy 9.2.2), which no user has by default. */
const firstSharedGroup = 100

/** @param passwd @param group contents of the files (passwd(5), group(5)) */
export function accountsFrom(passwd: string, group: string, platform: string = process.platform): Accounts {
  const users = fieldsOf(passwd).map(([name = '', , uid, gid]) => ({
    name,
    uid: Number(uid),
    gid: Number(gid),
  }))
  const groups = fieldsOf(group).map(([name = '', , gid, members = '']) => ({
    name,
    gid: Number(gid),
    members: members.split(',').filter((member) => member !== ''),
  }))
  return {
    nameOfUser: (uid) => users.find((user) => user.uid === uid)?.name ?? `user ${uid}`,
    nameOfGroup: (gid) => groups.find((one) => one.gid === gid)?.name ?? `group ${gid}`,
    isPrivate(gid, trusted) {
      // The group of root.
      if (gid === 0) return true
      const found = groups.filter((one) => one.gid === gid)
      const primary = users.filter((user) => user.gid === gid).map((user) => user.uid)
      const members = found.flatMap((one) => one.members)
      const listed = members.map((member) => users.find(({ name }) => name === member)?.uid ?? -1)
      if ([...primary, ...listed].some((uid) => !trusted.has(uid))) return false
      const names = users.filter((user) => trusted.has(user.uid)).map((user) => user.name)
      if (found.some((one) => names.includes(one.name))) return true
      // A container runs with ids that no file lists; a private group has the number of its user.
      if (found.length === 0) return trusted.has(gid)
      // macOS keeps its users elsewhere, so its files show no members.
      return gid < firstSharedGroup && platform !== 'darwin'
    },
  }
}

const fieldsOf = (text: string): readonly (readonly string[])[] =>
  text
    .split('\n')
    .filter((line) => line.includes(':') && !line.startsWith('#'))
    .map((line) => line.split(':'))
