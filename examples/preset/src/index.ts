export { miniflux, type MinifluxOptions } from './target.ts'
export { requireMigrations } from './steps/require-migrations.ts'
