/** By what a step of an import succeeds: what is read back from the system, in plain words. */
const proofs: { readonly [step: string]: string } = {
  stopServices: 'Docker says that no container of these services runs any more',
  startServices: 'Docker says that the containers of these services run',
  awaitHealthy: "Docker's own health check of each container has passed",
  runOneOff: 'the service ran once and ended with exit code 0',
  tagImages: 'each name leads to the wanted image, by the id of the image',
  fetchImage: 'the image is on this machine, by its id',
  setImage: 'the Compose file has this image, and no other byte changed',
  setVariable: 'the file has this value, and no other byte changed',
  replaceConfig: 'the file is the earlier version',
  keepFile: 'a complete copy is there',
  dumpDatabase: 'the finished dump was read back and has a signed manifest',
  restoreBeside: 'all of the dump is in a new database; the live one is untouched',
  assertCopy: 'nobody can write to the copy unnoticed from its check until it is live',
  swapDatabase:
    'the restored database has the live name; its undo is proven, since nobody wrote to the old one',
  openReplaced: 'the server accepts sessions to the old database again',
  downgradeDatabase: 'the database itself has the revision; its undo is proven by a digest of every row',
  downgradeCopy: 'the copy itself has the revision',
  keepVolumeDatabase: 'complete copies of the file and its logs are there',
  swapVolumeDatabase:
    'the file in the volume is the examined one; its undo is proven by the digests of the files',
  removeOldFile: 'the old file is no longer in the volume',
  mergeRows: 'one transaction inserted all of them, and the copy is marked complete',
  exportRows: 'all files are there',
  putFileBack: 'the file in its place is the one of the backup',
  startThrowaway: 'the throwaway server accepts connections',
  createRoles: 'the throwaway server created each of them',
  restoreIntoThrowaway: 'one transaction restored all of the dump; the first error would have ended it',
  dropThrowaway: 'no container of the throwaway is left',
  decryptBackup: 'the decrypted file is in staging, complete',
  unpackBackup: 'the unpacked file is in staging, complete, under the digest that goes live',
  unpack: 'the unpacked folder is in staging, complete',
  moveAside: 'the folder has its other name; its undo is proven by the digest of its files',
  putInPlace: 'the unpacked folder is in its place',
  openTree: 'the unpacked folder is in staging, complete',
  makeStaging: "the run's own folder exists",
  removeStaging: "the run's own folder is gone",
  packData: 'the archive is marked complete',
  encryptArchive: 'the encrypted archive was decrypted again and is equal',
  fileBackup: 'the backup was read back from the drive and is equal',
  pruneBackups: 'none of the removed files is there any more',
  runUnpacked: 'the command ended with exit code 0, in a folder that is as it was verified',
  downloadRelease: 'the files are there, complete',
  draftRelease: 'the host has the draft',
  writeReleaseUrl: 'the lock file has the address',
  uploadAssets: 'the host lists each file as it is here',
  publishRelease: 'the host has the release, published',
  recordDeployment: 'the line is in the history',
  logResult: 'the line is in the checklist, where there is one',
}

/** `bringUp` has several, of which the import chooses. */
const ofStart: { readonly [proof: string]: string } = {
  image: 'each service runs the chosen image, by the id of the image',
  environment: 'each service runs with the variables that the files have by then',
  present: "each service runs as the stack's files and images are by then",
}

/** The proof that a written call of a step has; null: it only looks or asks, and its own result counts. */
export function proofOf(step: string, input: string): string | null {
  if (step !== 'bringUp') return Object.hasOwn(proofs, step) ? (proofs[step] ?? null) : null
  const [, chosen = ''] = /proof: '(\w+)'/.exec(input) ?? []
  return ofStart[chosen] ?? null
}
