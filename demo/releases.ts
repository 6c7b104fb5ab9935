import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { create } from 'tar'
import { place } from './place.ts'

const release = {
  'package.json': JSON.stringify({
    name: 'demo-shop',
    version: '1.4.0',
    private: true,
    scripts: { start: 'node start.js' },
  }),
  'start.js':
    "console.log(process.argv.includes('--dry-run') ? 'would serve the shop' : 'serving the shop')\n",
}

const data = {
  'shop/config.toml': 'name = "demo-shop"\nlanguage = "en"\n\n[mail]\nsender = "shop@shop.example"\n',
  'shop/prices.json': JSON.stringify({ currency: 'EUR', shipping: 495 }),
}

/**
 * Creates what the monthly spot restore reads: a release bundle and an archive of the shop's files, with
 * checksums.
 */
export function createReleases(takenAt: Date): void {
  const time = takenAt.toISOString().slice(0, 19).replaceAll(':', '').concat('Z')
  pack(release, join(place.releases, `demo-shop-v1.4.0-${time}.tar.gz`))
  pack(data, join(place.archives, `shop-files-${time}.tar.gz`))
}

function pack(files: { readonly [path: string]: string }, file: string): void {
  const folder = join(place.folder, 'packing')
  for (const [path, body] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), body)
  }
  mkdirSync(dirname(file), { recursive: true })
  create({ gzip: true, file, cwd: folder, sync: true, portable: true }, ['.'])
  rmSync(folder, { recursive: true })
  writeChecksum(file)
}

/** Writes a checksum in the form of `sha256sum`, with a relative name. */
export function writeChecksum(file: string): void {
  writeFileSync(
    `${file}.sha256`,
    `${createHash('sha256').update(readFileSync(file)).digest('hex')}  ${basename(file)}\n`,
  )
}
