import { describe, expect, it } from 'vitest'
import recover from '../../runbooks/recover-records.ts'
import { sha256, type Json } from '../../src/kernel/json.ts'
import { dumpBytes, lay, fakeMachine, Killed, type FakeWorld } from '../../src/testing/index.ts'
import { keysOf, selectionOf } from '../../steps/databases/lib/row-selection.ts'
import { provesItself } from '../fixtures/matrix.ts'
import { damagedShop, shop } from './fake-shop.ts'

const saved = {
  projects: [
    { id: 'p1', name: 'Lost, "with" love' },
    { id: 'p2', name: 'Kept' },
  ],
  documents: [
    { id: 'd1', project_id: 'p1', title: null },
    { id: 'd2', project_id: 'p1', title: '' },
    { id: 'd3', project_id: 'p2', title: 'Kept' },
  ],
}
const live = {
  projects: [{ id: 'p2', name: 'Kept, and renamed since' }],
  documents: [{ id: 'd3', project_id: 'p2', title: 'Kept' }],
}
const file = '/backups/db/shop-20260203_040000.dump'

function world(
  tables: { readonly [table: string]: readonly { readonly [column: string]: Json }[] } = live,
): FakeWorld {
  const made = damagedShop()
  const body = dumpBytes({
    engine: 'postgres',
    major: 17,
    database: 'shop',
    takenAt: '2026-02-03T04:00:00Z',
    tables: saved,
    roles: ['app'],
    extensions: [],
  })
  lay(made.disk, file, body)
  lay(made.disk, `${file}.sha256`, `${sha256(body)}  ${file.slice(file.lastIndexOf('/') + 1)}\n`)
  made.server.databases.set('shop', { tables, generation: 'live', owner: 'app' })
  return made
}

const params = { tables: 'projects:id,documents:project_id', key: 'p1', export: '/srv/export' }

provesItself({
  name: 'recover-records',
  book: recover,
  target: shop,
  params,
  world: () => world(),
  records: ['/artifacts/checklist.md'],
  succeeded: ({ server, disk }) => {
    expect(server.databases.get('shop')?.tables['projects']).toEqual([...live.projects, saved.projects[0]])
    expect(server.databases.get('shop')?.tables['documents']).toEqual([
      ...live.documents,
      saved.documents[0],
      saved.documents[1],
    ])
    expect([...server.databases.keys()]).toEqual(['shop'])
    const exported = [...disk.files]
      .filter(([path]) => path.startsWith('/srv/export/'))
      .map(([, body]) => Buffer.from(body).toString())
    expect(exported).toEqual([
      'id,name\r\np1,"Lost, ""with"" love"\r\n',
      'id,project_id,title\r\nd1,p1,\r\nd2,p1,""\r\n',
    ])
  },
})

const many = {
  projects: [],
  documents: [saved.documents[2]!, { id: 'd9', project_id: 'p9', title: 'Newer' }],
}

provesItself({
  name: 'recover-records, all that is missing',
  book: recover,
  target: shop,
  params: { tables: 'projects:id,documents:id', allMissing: true, export: '/srv/export' },
  world: () => world(many),
  records: ['/artifacts/checklist.md'],
  succeeded: ({ server }) => {
    expect(server.databases.get('shop')?.tables).toEqual({
      projects: saved.projects,
      documents: [...many.documents, saved.documents[0], saved.documents[1]],
    })
  },
})

describe('recover-records', () => {
  const run = async (on: FakeWorld, over: { readonly [name: string]: string } = {}) => {
    const before = on.state()
    const machine = fakeMachine(on, { book: recover, target: shop })
    const result = await machine.run({ ...params, ...over })
    return { before, machine, result }
  }
  const beside = (state: ReturnType<FakeWorld['state']>) => state['databases']

  it('never writes over a row that says something else', async () => {
    const on = world({ ...live, projects: [{ id: 'p1', name: 'Made anew' }] })
    const { before, result } = await run(on)
    expect(result).toMatchObject({
      outcome: 'rolled-back',
      failure: { message: expect.stringContaining('already exist and differ from the backup') },
    })
    expect(beside(on.state())).toEqual(beside(before))
  })

  it('inserts nothing where somebody wrote to the copy after the approval', async () => {
    const whole = world()
    await run(whole)
    const { reached } = whole.faults
    const approved = reached.findLastIndex((moment) => moment.startsWith('people.'))
    const time = reached.slice(0, approved).filter((moment) => moment === 'databases.rows').length + 1
    const on = world()
    const before = on.state()
    on.faults.order('databases.rows', 'kill', time)
    const machine = fakeMachine(on, { book: recover, target: shop })
    await expect(machine.run(params)).rejects.toBeInstanceOf(Killed)
    machine.reboot()
    const copy = [...on.server.databases].find(([name]) => name.includes('__rb_'))?.[1]
    if (copy !== undefined)
      copy.tables = { ...copy.tables, projects: [{ id: 'p1', name: 'Forged' }, saved.projects[1]!] }
    expect(await machine.resume()).toMatchObject({
      outcome: 'rolled-back',
      failure: { message: 'the missing rows are not those of the approval' },
    })
    expect(beside(on.state())).toEqual(beside(before))
  })

  it('refuses a key that the backup does not have, and other columns than now', async () => {
    expect((await run(world(), { key: 'nobody' })).result).toMatchObject({
      outcome: 'rolled-back',
      failure: { message: expect.stringContaining('no rows with that key in the backup: ') },
    })
    expect((await run(world(), { tables: 'nothing:id' })).result).toMatchObject({ outcome: 'rolled-back' })
  })

  it('takes several keys at once, each row once, in one file for each table', async () => {
    const on = world({ projects: [], documents: [] })
    const { result } = await run(on, { key: 'p1, p2,p1' })
    expect(result).toMatchObject({ outcome: 'succeeded' })
    expect(on.server.databases.get('shop')?.tables).toEqual(saved)
    const exported = [...on.disk.files].filter(([path]) => path.startsWith('/srv/export/'))
    expect(exported.map(([, body]) => Buffer.from(body).toString().split('\r\n').length - 2)).toEqual([2, 3])
  })

  it('refuses several keys of which the backup lacks one', async () => {
    const on = world({ projects: [], documents: [] })
    expect((await run(on, { key: 'p1,p9,p2' })).result).toMatchObject({
      outcome: 'rolled-back',
      failure: {
        message: expect.stringContaining(
          'no rows with the key p9 in the backup: projects by id, documents by project_id',
        ),
      },
    })
  })

  it('refuses a list of keys with a gap before anything is done', async () => {
    const on = world()
    expect((await run(on, { key: 'p1,,p2' })).result).toMatchObject({ code: 'preflight' })
    expect(on.faults.reached).not.toContain('databases.restoreBeside')
  })

  it.each([
    ['neither keys nor all', { tables: params.tables, export: params.export }],
    ['both', { ...params, allMissing: true }],
  ])('refuses %s before anything is done', async (_, given) => {
    const on = world()
    const result = await fakeMachine(on, { book: recover, target: shop }).run(given)
    expect(result).toMatchObject({ code: 'preflight' })
    expect(JSON.stringify(result.findings)).toContain('--all-missing')
    expect(on.faults.reached).not.toContain('databases.restoreBeside')
  })

  it('shows what is missing by table, and keeps all keys that nobody gave out of the journal', async () => {
    const on = world(many)
    const machine = fakeMachine(on, { book: recover, target: shop })
    const result = await machine.run({
      tables: 'projects:name,documents:id',
      allMissing: true,
      export: '/srv/export',
    })
    expect(result).toMatchObject({ code: 'succeeded' })
    const told = JSON.stringify(machine.entries)
    expect(told).toContain('projects 2 (0 present), documents 2 (0 present)')
    expect(told).not.toContain('Lost, ')
  })

  it('says so where nothing is missing', async () => {
    const run = async (tables: string) =>
      (
        await fakeMachine(world({ ...saved, documents: [] }), { book: recover, target: shop }).run({
          tables,
          allMissing: true,
          export: '/srv/export',
        })
      ).failure?.message
    expect(await run('projects:id')).toContain('the live database has every key of projects:id')
  })

  it('reads keys as data', () => {
    expect(keysOf('17')).toEqual(['17'])
    expect(keysOf('a b, "x,y","q""q",a b')).toEqual(['a b', 'x,y', 'q"q'])
    expect(keysOf(Array.from({ length: 500 }, (_, key) => key).join())).toHaveLength(500)
    expect(() => keysOf(Array.from({ length: 501 }, (_, key) => key).join())).toThrow('one run takes 500')
    for (const text of ['', ' ', 'a,', ',a']) expect(() => keysOf(text)).toThrow('a key is missing')
  })

  it('keeps what rows say out of the journal', async () => {
    const { machine, result } = await run(world())
    expect(result.outcome).toBe('succeeded')
    expect(JSON.stringify(machine.entries)).not.toContain('Lost, ')
  })

  it.each([
    '',
    'projects',
    'projects:',
    ':id',
    'projects:id,,documents:x',
    'projects:id,projects:id',
    'a:b:c',
    'a b:c',
    ',a:b',
    'a:b,',
    '"a:b',
    '"a"b"":c',
  ])('refuses "%s" as tables', (text) => {
    expect(() => selectionOf(text)).toThrow()
  })

  it('takes names as data where they are quoted', () => {
    expect(selectionOf('app.t:id, "my, app"."o:1":"order id","a.b":"c""d","plain":x')).toEqual([
      { table: 'app.t', column: 'id' },
      { table: 'my, app.o:1', column: 'order id' },
      { table: '"a.b"', column: 'c"d' },
      { table: 'plain', column: 'x' },
    ])
  })

  it('writes each table to a file of its own, whatever it is called', async () => {
    const odd = { 'p s': [{ id: 'p1', name: 'a' }], p_s: [{ id: 'p1', name: 'b' }] }
    const on = world({ 'p s': [], p_s: [] })
    const body = dumpBytes({
      engine: 'postgres',
      major: 17,
      database: 'shop',
      takenAt: '2026-02-03T04:00:00Z',
      tables: { orders: [{ id: 1 }], ...odd },
      roles: ['app'],
      extensions: [],
    })
    lay(on.disk, file, body)
    lay(on.disk, `${file}.sha256`, `${sha256(body)}  ${file.slice(file.lastIndexOf('/') + 1)}\n`)
    const { result } = await run(on, { tables: '"p s":id,p_s:id' })
    expect(result).toMatchObject({ outcome: 'succeeded' })
    expect(
      [...on.disk.files]
        .filter(([path]) => path.startsWith('/srv/export/'))
        .map(([, csv]) => Buffer.from(csv).toString()),
    ).toEqual(['id,name\r\np1,a\r\n', 'id,name\r\np1,b\r\n'])
  })
})
