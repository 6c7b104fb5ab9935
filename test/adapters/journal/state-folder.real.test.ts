import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { thisProcess } from '../../../src/adapters/journal/process-identity.ts'
import { openJournal } from '../../../src/adapters/journal/open.ts'
import { intent, opened } from '../../fixtures/entries.ts'
import { root } from '../../fixtures/requirements.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'runbook-state-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

it.skipIf(!root()).each(['', 'heads', 'locks', 'journal.db'])(
  'a state folder is refused where it is somebody else’s: "%s"',
  async (name) => {
    const journal = await openJournal(folder)
    const hold = await journal.hold('shop', {
      ...thisProcess('ada'),
      run: 'one',
      since: '2026-02-03T04:12:33.000Z',
    })
    await journal.append(hold, 'one', opened())
    await journal.append(hold, 'one', intent('swap'))
    await journal.close()
    chownSync(join(folder, name), 65_534, 65_534)
    await expect(openJournal(folder)).rejects.toMatchObject({
      name: 'RunbookError',
      code: 'usage',
      message: expect.stringMatching(/belongs to user 65534/),
      hint: expect.any(String),
    })
  },
)
