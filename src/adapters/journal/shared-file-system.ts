/**
 * File systems that other machines can write to, or whose durability depends on a server: SQLite's WAL
 * requires shared memory between all connections (sqlite.org/wal.html), and locks released by our own kernel.
 * Keys are `f_type` of statfs(2), from linux/magic.h.
 */
const shared: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xfe534d42, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0x564c, 'NCP'],
  [0x5346414f, 'AFS'],
  [0x6b414653, 'AFS'],
  [0x73757245, 'Coda'],
  [0x01021997, '9P'],
  [0x65735546, 'FUSE'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
  [0x01161970, 'GFS2'],
  [0x7461636f, 'OCFS2'],
  [0x47504653, 'GPFS'],
  [0x786f4256, 'a VirtualBox shared folder'],
  [0xbacbacbc, 'a VMware shared folder'],
])

/** The name of a file system unsuitable for a journal, or null. */
export const sharedFileSystem = (type: number): string | null => shared.get(type >>> 0) ?? null
