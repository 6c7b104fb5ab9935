import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dockerProjects } from '../../src/adapters/docker/projects.ts'
import { diskFiles } from '../../src/adapters/disk/files.ts'
import { configSchema } from '../../src/config/schema.ts'
import { lookAround } from '../../src/init/look.ts'
import { configText } from '../../src/init/print.ts'
import { isEmpty, proposalOf, type ProposedTarget } from '../../src/init/proposal.ts'
import { docker } from '../fixtures/requirements.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { shapes } from './shapes.ts'

const said = ({ sections }: ProposedTarget): { readonly [name: string]: unknown } =>
  Object.fromEntries(
    sections
      .filter(({ name }) => name !== 'backups')
      .map(({ name, value, guessed }) => [guessed === null ? name : `${name}?`, value]),
  )

describe.skipIf(!docker())('stacks as Compose resolves them', () => {
  let folder = ''
  beforeEach(async () => {
    folder = join(await realpath(await mkdtemp(join(tmpdir(), 'init-'))), 'shop')
  })
  afterEach(() => rm(dirname(folder), { recursive: true, force: true }))

  it.each(shapes)('$name', async ({ files, targets, remark }) => {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), text)
    }
    const views = {
      projects: dockerProjects({ scope: watchedScope() }),
      files: diskFiles,
      http: { get: () => Promise.reject(new Error('nothing runs')) },
    }
    const proposal = proposalOf(await lookAround({ folder, files: [], project: null }, views))
    expect(proposal.targets.map(said)).toEqual(targets)
    expect(proposal.remarks.join('\n')).toContain(remark ?? '')
    const read = configSchema.safeParse({
      targets: Object.fromEntries(
        proposal.targets.map(({ name, sections }) => [
          name,
          Object.fromEntries(sections.filter((one) => !isEmpty(one)).map((one) => [one.name, one.value])),
        ]),
      ),
    })
    expect(read.error).toBeUndefined()
    expect(configText(proposal.targets)).not.toMatch(/s3cr3t-pass|t0ken-of-mine/)
  })
})
