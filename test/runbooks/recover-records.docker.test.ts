import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { crashesIn } from '../crash/boundaries.ts'
import { deadly, type Kill } from '../crash/kill.ts'
import { accident, everything, hostile, tables, tablesMade } from '../fixtures/lost-project.ts'
import { docker } from '../fixtures/requirements.ts'
import { openShop, type Shop } from '../fixtures/shop.ts'
import type { Finished } from '../fixtures/typed.ts'

const whole = ({ code, signal, stdout, stderr }: Finished): string =>
  `exit ${code ?? signal}\n${stdout}\n${stderr}`

describe.skipIf(!docker())(
  'recover-records on Postgres in the stack of brace, with a project that was deleted',
  () => {
    let shop: Shop
    let lost: readonly unknown[]

    const rows = (): Promise<readonly (readonly { readonly [column: string]: unknown }[])[]> =>
      Promise.all(everything.map((sql) => shop.stack.sql(sql)))
    const standing = async (): Promise<readonly unknown[]> => {
      const databases = await shop.stack.sql('select datname from pg_database order by 1')
      return [
        await rows(),
        databases,
        await readdir(join(shop.stack.dir, 'export')).catch(() => 'none'),
        await shop.data(),
      ]
    }
    const recover = (
      more: readonly string[] = [],
      kill: Kill | null = null,
      what = tables,
    ): Promise<Finished> =>
      shop.type(
        [
          'run',
          'recover-records',
          '--tables',
          what,
          '--key',
          'p1',
          '--export',
          'export',
          '--confirm',
          shop.phrase,
          ...more,
        ],
        deadly(kill),
      )

    beforeAll(async () => {
      shop = await openShop({ services: ['db'] })
      await shop.stack.sql(tablesMade)
      await shop.dump(new Date(Date.now() - 3_600_000))
    }, 120_000)
    afterAll(() => shop?.[Symbol.asyncDispose]())
    beforeEach(async () => {
      await shop.stack.sql(accident)
      await rm(join(shop.stack.dir, 'export'), { recursive: true, force: true })
      lost = await standing()
    })

    const succeeded = async (): Promise<void> => {
      const [projects, documents = [], glossary] = await rows()
      expect(projects).toEqual([
        { id: 'p1', name: hostile, total: '12345678901234.0000000001' },
        { id: 'p2', name: 'Kept, and renamed since', total: null },
      ])
      expect(documents.map(({ title }) => title)).toEqual([null, '', 'Kept'])
      expect(glossary).toEqual([
        { id: 1, project_id: 'p1', term: hostile },
        { id: 2, project_id: 'p2', term: 'kept' },
      ])
      expect((await standing())[1]).toEqual(lost[1])
    }

    it('foretells it and changes nothing', async () => {
      const finished = await recover(['--dry-run'])
      expect(finished.code, whole(finished)).toBe(0)
      expect(await standing()).toEqual(lost)
    }, 60_000)

    it('brings the project back, parents first', async () => {
      const finished = await recover()
      expect(finished.code, whole(finished)).toBe(0)
      await succeeded()
      expect(await readdir(join(shop.stack.dir, 'export'))).toHaveLength(3)
    }, 60_000)

    it('leaves everything as it was where a child would come before its parent', async () => {
      const finished = await recover([], null, 'documents:project_id,projects:id')
      expect(finished.code, whole(finished)).toBe(10)
      expect(whole(finished)).toContain('foreign key')
      expect(await standing()).toEqual(lost)
    }, 60_000)

    const step = 'insert-what-is-missing'
    it.each(crashesIn(step, 200))(
      'killed %s of the insertion (%j), then %s',
      async (_, kill, way) => {
        const killed = await recover([], kill)
        expect(killed.signal, whole(killed)).toBe('SIGKILL')
        const finished = await shop.type([way])
        expect(finished.code, whole(finished)).toBe(0)
        if (way === 'rollback') expect(await standing()).toEqual(lost)
        else await succeeded()
      },
      60_000,
    )
  },
)
