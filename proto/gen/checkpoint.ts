// Generated from checkpoint.json by `npm run generate`. Do not edit.

/** The contract checkpoint that this build was made for. */
export const currentCheckpoint = "CP2-LC";

/** Whether the fields marked CP2 may be used. */
export const cp2PlusAllowed: boolean = true;
