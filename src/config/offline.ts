/** Config files of which only what decides is wanted: they need say nothing but `policy` and `catalogue`. */
import type { z } from 'zod';
import { configSchema } from './schema.ts';

export const offlineSchema = configSchema.partial({ listen: true, servers: true });

/** What a command or a question takes from such a file. */
export type OfflineConfig = z.output<typeof offlineSchema>;
