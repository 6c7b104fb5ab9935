import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { create } from 'tar'
import { expect } from 'vitest'
import { memoryFolder } from '../fixtures/memory-folder.ts'
import { Scene, sourceOf } from './scene.ts'

const passphrase = 'correct horse battery staple'

const release = {
  'shop/package.json': JSON.stringify({ name: 'shop', version: '1.4.0', private: true }),
  // What an installer does: many files, one after the other.
  'shop/install.js':
    "for (let i = 0; i < 200; i += 1) { require('fs').mkdirSync('node_modules/m' + i, { recursive: true }); require('fs').writeFileSync('node_modules/m' + i + '/index.js', '') }\n",
  'shop/start.js':
    "require('fs').accessSync('node_modules/m199/index.js'); console.log('would serve the shop')\n",
}

const files = {
  'shop/config.toml': 'name = "shop"\n\n[mail]\nsender = "shop@shop.example"\n',
  'shop/prices.json': JSON.stringify({ currency: 'EUR', shipping: 495 }),
  ...Object.fromEntries(
    Array.from({ length: 100 }, (_, index) => [`shop/pictures/${index}.txt`, 'x'.repeat(1_000 + index)]),
  ),
}

/** What all scenes of the suite begin with: a release bundle, and an archive of the shop's files that gpg has encrypted. */
export class SpotTemplate implements Disposable {
  readonly folder = mkdtempSync(join(memoryFolder, 'crash-spot-'))
  readonly archives: string

  constructor() {
    const time = new Date(Date.now() - 3_600_000).toISOString().slice(0, 19).replaceAll(':', '').concat('Z')
    this.#pack(release, join(this.folder, 'releases', `shop-v1.4.0-${time}.tar.gz`))
    this.#pack(files, join(this.folder, 'archives', `files-${time}.tar.gz`), true)
    this.archives = digestOf(this.folder)
  }

  #pack(members: { readonly [path: string]: string }, file: string, encrypted = false): void {
    const packing = join(this.folder, 'packing')
    for (const [path, body] of Object.entries(members)) {
      mkdirSync(dirname(join(packing, path)), { recursive: true })
      writeFileSync(join(packing, path), body)
    }
    mkdirSync(dirname(file))
    create({ gzip: true, file, cwd: packing, sync: true, portable: true }, ['.'])
    rmSync(packing, { recursive: true })
    checksum(encrypted ? encrypt(file) : file)
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true })
  }
}

function encrypt(file: string): string {
  const home = mkdtempSync(join(tmpdir(), 'crash-gpg-'))
  const argv = [
    '--batch',
    '--no-tty',
    '--no-autostart',
    '--pinentry-mode',
    'loopback',
    '--passphrase-fd',
    '0',
    '--s2k-count',
    '65536',
    '--symmetric',
    file,
  ]
  const { status, stderr } = spawnSync('gpg', argv, {
    input: `${passphrase}\n`,
    env: { ...process.env, GNUPGHOME: home },
  })
  rmSync(home, { recursive: true })
  if (status !== 0) throw new Error(`gpg: ${stderr.toString()}`)
  rmSync(file)
  return `${file}.gpg`
}

function checksum(file: string): void {
  writeFileSync(
    `${file}.sha256`,
    `${createHash('sha256').update(readFileSync(file)).digest('hex')}  ${basename(file)}\n`,
  )
}

/** Names and bytes of everything under the two folders of archives. */
function digestOf(folder: string): string {
  const hash = createHash('sha256')
  for (const name of ['archives', 'releases'].flatMap((part) =>
    readdirSync(join(folder, part))
      .sort()
      .map((file) => join(part, file)),
  )) {
    hash.update(name).update(readFileSync(join(folder, name)))
  }
  return hash.digest('hex')
}

/** A place where spot restores are made. */
export class SpotSite implements AsyncDisposable {
  readonly scene: Scene
  readonly #template: SpotTemplate

  private constructor(scene: Scene, template: SpotTemplate) {
    this.scene = scene
    this.#template = template
  }

  /** @param currency what the price list is expected to say; anything but EUR makes the last look fail */
  static async open(template: SpotTemplate, currency: string): Promise<SpotSite> {
    return new SpotSite(
      await Scene.make(template.folder, () => configuration(currency), { SPOT_PASSPHRASE: passphrase }),
      template,
    )
  }

  readonly run = ['run', 'monthly-spot-restore'] as const

  /** Nothing was made that stays, and nothing was changed; no secret lies anywhere. */
  async expectClean(): Promise<void> {
    expect(await this.scene.list('staging'), 'staging').toEqual([])
    expect(await this.scene.list('tmp'), 'temporary files').toEqual([])
    expect(digestOf(this.scene.folder) === this.#template.archives, 'the archives are as they were').toBe(
      true,
    )
    for (const entry of readdirSync(this.scene.folder, { recursive: true, withFileTypes: true })) {
      const file = join(entry.parentPath, entry.name)
      if (entry.isFile() && readFileSync(file).includes(passphrase))
        throw new Error(`the passphrase lies in ${file}`)
    }
  }

  /** One line for each ending that was told of, the last one being the one that holds. */
  async expectTold(outcome: string, run: string): Promise<void> {
    const lines = readFileSync(this.scene.path('checklist.md'), 'utf8')
      .split('\n')
      .filter((line) => line.includes(`| ${run} |`))
    expect(lines.map((line) => line.split(' | ')[3]?.split(':')[0])).toEqual(
      lines.length === 1 ? [outcome] : ['succeeded', 'rolled-back'],
    )
    expect(lines.at(-1)).toContain(`| ${outcome}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.scene[Symbol.asyncDispose]()
  }
}

const configuration = (currency: string): string => `
import { defineConfig, secret } from ${sourceOf('src/index.ts')}
export default defineConfig({
  runbooks: [${sourceOf('runbooks')}], artifacts: './artifacts', state: './state',
  targets: {
    shop: {
      bundle: {
        directory: './releases', pattern: 'shop-v*-{time}.tar.gz', maxAge: '40d',
        install: [${JSON.stringify(process.execPath)}, 'install.js'], dryRun: [${JSON.stringify(process.execPath)}, 'start.js', '--dry-run'],
      },
      data: {
        directory: './archives', pattern: 'files-{time}.tar.gz.gpg', passphrase: secret('SPOT_PASSPHRASE'),
        keyFiles: [
          { path: 'config.toml', parse: 'toml', expect: { name: 'shop', 'mail.sender': 'shop@shop.example' } },
          { path: 'prices.json', parse: 'json', expect: { currency: ${JSON.stringify(currency)} } },
        ],
      },
      staging: './staging',
      checklist: './checklist.md',
    },
  },
})
`
