import * as z from 'zod';

// Imported before any schema is made: else they are compiled with `new Function`, which the page does not allow.
z.config({ jitless: true });
