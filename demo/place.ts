import { join } from 'node:path'

/** Everything that the demo creates is in here; removing the folder removes the demo. */
export const folder = join(import.meta.dirname, '..', '.demo')

export const place = {
  folder,
  database: join(folder, 'data', 'shop.db'),
  backups: join(folder, 'backups'),
  releases: join(folder, 'releases'),
  archives: join(folder, 'archives'),
  staging: join(folder, 'staging'),
  /** While this file exists, the app reports itself unhealthy whatever the data says. */
  unhealthy: join(folder, 'unhealthy'),
  port: Number(process.env['DEMO_PORT'] ?? 8717),
}
