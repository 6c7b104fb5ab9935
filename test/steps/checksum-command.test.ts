import { expect, it } from 'vitest'
import { checksumCommand, digestCommand } from '../../steps/files/lib/checksum-command.ts'

it('a checksum file is checked in its folder, where the bare names in it are found', () => {
  expect(checksumCommand('/mnt/drive/2026/11-29/a.tar.gz.sha256')).toBe(
    '(cd /mnt/drive/2026/11-29 && sha256sum --check a.tar.gz.sha256)',
  )
  expect(checksumCommand(`/srv/it's here/SHA256SUMS`, true)).toBe(
    String.raw`(cd '/srv/it'\''s here' && sha256sum --check --ignore-missing SHA256SUMS)`,
  )
})

it('a file is compared with a digest by its absolute name', () => {
  expect(digestCommand('/mnt/drive/a b', 'abc')).toBe(`echo 'abc  /mnt/drive/a b' | sha256sum --check`)
})
