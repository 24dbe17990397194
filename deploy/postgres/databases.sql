-- One database a service; each is migrated by its own job. Runs once, when the volume is new.
CREATE DATABASE kuajie_profile;
CREATE DATABASE kuajie_recommend;
CREATE DATABASE kuajie_intent;
CREATE DATABASE kuajie_insurance;
