# SPDX-License-Identifier: GPL-3.0-or-later
"""Skeletons as each family of rigs names and branches them, written down by hand, apart from the add-on's own data.

A line is: bone, the bone it hangs from, where it begins, and the role it plays if it plays one. {} is the side. A place
is a joint of figures.rest(), or `a>b:t`, the share t of the way from one to another; "floor" lies under the hips.
Roles are as in BoneMap.roles().
"""

SIDES = {
    "mixamo": ("Left", "Right"), "unreal": ("l", "r"), "unreal_5": ("l", "r"), "vroid": ("L", "R"),
    "vrm": ("left", "right"), "vrm_blender": ("L", "R"), "makehuman": ("L", "R"), "makehuman_game": ("l", "r"),
    "daz_8": ("l", "r"), "daz_9": ("l", "r"), "daz_2": ("l", "r"), "reallusion": ("L", "R"), "mmd": ("左", "右"),
    "mmd_blender": ("L", "R"), "mmd_english": ("L", "R"), "auto_rig_pro": ("l", "r"), "smpl_fbx": ("L", "R"),
    "smplx": ("left", "right"), "cmu": ("Left", "Right"), "asf": ("l", "r"), "bvh": ("Left", "Right"),
    "biped": ("L", "R"), "rigify_deform": ("L", "R"), "metarig": ("L", "R"),
}  # fmt: skip

FAMILIES = {
    "mixamo": "Mixamo", "unreal": "Unreal Mannequin", "unreal_5": "Unreal Mannequin", "vroid": "VRoid", "vrm": "VRM",
    "vrm_blender": "VRM (Blender)", "makehuman": "MakeHuman", "makehuman_game": "Unreal Mannequin",
    "daz_8": "Daz Genesis 3/8", "daz_9": "Daz Genesis 9", "daz_2": "Daz Genesis 1/2",
    "reallusion": "Character Creator", "mmd": "MMD", "mmd_blender": "MMD", "mmd_english": "MMD (English)",
    "auto_rig_pro": "Auto-Rig Pro export", "smpl_fbx": "SMPL", "smplx": "Take", "cmu": "CMU", "asf": "CMU (ASF)",
    "bvh": "BVH", "biped": "Biped", "rigify_deform": "Rigify deform", "metarig": "Rigify metarig",
}  # fmt: skip

LINES = {
    "mixamo": """
        mixamorig:Hips - pelvis pelvis
        mixamorig:Spine mixamorig:Hips spine1 spine_1
        mixamorig:Spine1 mixamorig:Spine spine2 spine_2
        mixamorig:Spine2 mixamorig:Spine1 spine3 spine_3
        mixamorig:Neck mixamorig:Spine2 neck neck_1
        mixamorig:Head mixamorig:Neck head head
        mixamorig:HeadTop_End mixamorig:Head crown
        mixamorig:{}Shoulder mixamorig:Spine2 collar collar
        mixamorig:{}Arm mixamorig:{}Shoulder shoulder shoulder
        mixamorig:{}ForeArm mixamorig:{}Arm elbow elbow
        mixamorig:{}Hand mixamorig:{}ForeArm wrist wrist
        mixamorig:{}HandThumb1 mixamorig:{}Hand thumb
        mixamorig:{}HandIndex1 mixamorig:{}Hand index
        mixamorig:{}HandMiddle1 mixamorig:{}Hand hand wrist_tip
        mixamorig:{}HandMiddle2 mixamorig:{}HandMiddle1 fingers
        mixamorig:{}UpLeg mixamorig:Hips hip hip
        mixamorig:{}Leg mixamorig:{}UpLeg knee knee
        mixamorig:{}Foot mixamorig:{}Leg ankle ankle
        mixamorig:{}ToeBase mixamorig:{}Foot foot foot
        mixamorig:{}Toe_End mixamorig:{}ToeBase toes""",
    "unreal": """
        root - floor ground
        pelvis root pelvis pelvis
        spine_01 pelvis spine1 spine_1
        spine_02 spine_01 spine2 spine_2
        spine_03 spine_02 spine3 spine_3
        neck_01 spine_03 neck neck_1
        head neck_01 head head
        clavicle_{} spine_03 collar collar
        upperarm_{} clavicle_{} shoulder shoulder
        upperarm_twist_01_{} upperarm_{} shoulder shoulder_twist_1
        lowerarm_{} upperarm_{} elbow elbow
        lowerarm_twist_01_{} lowerarm_{} elbow>wrist:0.5 elbow_twist_1
        hand_{} lowerarm_{} wrist wrist
        thumb_01_{} hand_{} thumb
        index_01_{} hand_{} index
        middle_01_{} hand_{} hand wrist_tip
        thigh_{} pelvis hip hip
        thigh_twist_01_{} thigh_{} hip>knee:0.1 hip_twist_1
        calf_{} thigh_{} knee knee
        calf_twist_01_{} calf_{} knee>ankle:0.5 knee_twist_1
        foot_{} calf_{} ankle ankle
        ball_{} foot_{} foot foot
        ik_foot_root root floor
        ik_foot_{} ik_foot_root ankle
        ik_hand_root root floor
        ik_hand_{} ik_hand_root wrist""",
    "unreal_5": """
        root - floor ground
        pelvis root pelvis pelvis
        spine_01 pelvis pelvis>spine3:0.2 spine_1
        spine_02 spine_01 pelvis>spine3:0.4 spine_2
        spine_03 spine_02 pelvis>spine3:0.6 spine_3
        spine_04 spine_03 pelvis>spine3:0.8 spine_4
        spine_05 spine_04 spine3 spine_5
        neck_01 spine_05 neck neck_1
        neck_02 neck_01 neck>head:0.5 neck_2
        head neck_02 head head
        clavicle_{} spine_05 collar collar
        upperarm_{} clavicle_{} shoulder shoulder
        upperarm_twist_01_{} upperarm_{} shoulder>elbow:0.3 shoulder_twist_1
        upperarm_twist_02_{} upperarm_{} shoulder>elbow:0.7 shoulder_twist_2
        lowerarm_{} upperarm_{} elbow elbow
        lowerarm_twist_02_{} lowerarm_{} elbow>wrist:0.3 elbow_twist_2
        lowerarm_twist_01_{} lowerarm_{} elbow>wrist:0.7 elbow_twist_1
        hand_{} lowerarm_{} wrist wrist
        middle_metacarpal_{} hand_{} wrist>hand:0.4
        middle_01_{} middle_metacarpal_{} hand wrist_tip
        thigh_{} pelvis hip hip
        thigh_twist_01_{} thigh_{} hip>knee:0.3 hip_twist_1
        thigh_twist_02_{} thigh_{} hip>knee:0.7 hip_twist_2
        calf_{} thigh_{} knee knee
        calf_twist_02_{} calf_{} knee>ankle:0.3 knee_twist_2
        calf_twist_01_{} calf_{} knee>ankle:0.7 knee_twist_1
        foot_{} calf_{} ankle ankle
        ball_{} foot_{} foot foot""",
    "vroid": """
        Root - floor ground
        J_Bip_C_Hips Root pelvis pelvis
        J_Bip_C_Spine J_Bip_C_Hips spine1 spine_1
        J_Bip_C_Chest J_Bip_C_Spine spine2 spine_2
        J_Bip_C_UpperChest J_Bip_C_Chest spine3 spine_3
        J_Bip_C_Neck J_Bip_C_UpperChest neck neck_1
        J_Bip_C_Head J_Bip_C_Neck head head
        J_Sec_Hair1 J_Bip_C_Head crown
        J_Bip_{}_Shoulder J_Bip_C_UpperChest collar collar
        J_Bip_{}_UpperArm J_Bip_{}_Shoulder shoulder shoulder
        J_Bip_{}_LowerArm J_Bip_{}_UpperArm elbow elbow
        J_Bip_{}_Hand J_Bip_{}_LowerArm wrist wrist
        J_Bip_{}_Middle1 J_Bip_{}_Hand hand wrist_tip
        J_Bip_{}_UpperLeg J_Bip_C_Hips hip hip
        J_Bip_{}_LowerLeg J_Bip_{}_UpperLeg knee knee
        J_Bip_{}_Foot J_Bip_{}_LowerLeg ankle ankle
        J_Bip_{}_ToeBase J_Bip_{}_Foot foot foot
        J_Sec_{}_Skirt1 J_Bip_C_Hips hip>knee:0.1
        J_Sec_{}_Skirt2 J_Sec_{}_Skirt1 hip>knee:0.5""",
    "vrm": """
        hips - pelvis pelvis
        spine hips spine1 spine_1
        chest spine spine2 spine_2
        neck chest neck neck_1
        head neck head head
        {}Shoulder chest collar collar
        {}UpperArm {}Shoulder shoulder shoulder
        {}LowerArm {}UpperArm elbow elbow
        {}Hand {}LowerArm wrist wrist
        {}MiddleProximal {}Hand hand wrist_tip
        {}UpperLeg hips hip hip
        {}LowerLeg {}UpperLeg knee knee
        {}Foot {}LowerLeg ankle ankle
        {}Toes {}Foot foot foot""",
    "vrm_blender": """
        root - floor ground
        hips root pelvis pelvis
        spine hips spine1 spine_1
        chest spine spine3 spine_2
        neck chest neck neck_1
        head neck head head
        shoulder.{} chest collar collar
        upper_arm.{} shoulder.{} shoulder shoulder
        lower_arm.{} upper_arm.{} elbow elbow
        hand.{} lower_arm.{} wrist wrist
        upper_leg.{} hips hip hip
        lower_leg.{} upper_leg.{} knee knee
        foot.{} lower_leg.{} ankle ankle
        toes.{} foot.{} foot foot""",
    "makehuman": """
        root - pelvis pelvis
        spine05 root pelvis>spine3:0.2 spine_1
        spine04 spine05 pelvis>spine3:0.4 spine_2
        spine03 spine04 pelvis>spine3:0.6 spine_3
        spine02 spine03 pelvis>spine3:0.8 spine_4
        spine01 spine02 spine3 spine_5
        neck01 spine01 neck neck_1
        neck02 neck01 neck>head:0.4 neck_2
        neck03 neck02 neck>head:0.7 neck_3
        head neck03 head head
        jaw head crown
        breast.{} spine02 spine3>collar:0.8
        clavicle.{} spine01 collar collar
        shoulder01.{} clavicle.{} collar>shoulder:0.7
        upperarm01.{} shoulder01.{} shoulder shoulder
        upperarm02.{} upperarm01.{} shoulder>elbow:0.5 shoulder_twist_1
        lowerarm01.{} upperarm02.{} elbow elbow
        lowerarm02.{} lowerarm01.{} elbow>wrist:0.5 elbow_twist_1
        wrist.{} lowerarm02.{} wrist wrist
        finger1-1.{} wrist.{} thumb
        metacarpal1.{} wrist.{} wrist>index:0.3
        finger2-1.{} metacarpal1.{} index
        metacarpal2.{} wrist.{} wrist>hand:0.3
        finger3-1.{} metacarpal2.{} hand wrist_tip
        pelvis.{} root pelvis
        upperleg01.{} pelvis.{} hip hip
        upperleg02.{} upperleg01.{} hip>knee:0.5 hip_twist_1
        lowerleg01.{} upperleg02.{} knee knee
        lowerleg02.{} lowerleg01.{} knee>ankle:0.5 knee_twist_1
        foot.{} lowerleg02.{} ankle ankle
        toe1-1.{} foot.{} foot
        toe2-1.{} foot.{} foot ankle_tip""",
    "makehuman_game": """
        Root - floor ground
        pelvis Root pelvis pelvis
        spine_01 pelvis spine1 spine_1
        spine_02 spine_01 spine2 spine_2
        spine_03 spine_02 spine3 spine_3
        neck_01 spine_03 neck neck_1
        head neck_01 head head
        clavicle_{} spine_03 collar collar
        upperarm_{} clavicle_{} shoulder shoulder
        lowerarm_{} upperarm_{} elbow elbow
        hand_{} lowerarm_{} wrist wrist
        middle_01_{} hand_{} hand wrist_tip
        thigh_{} pelvis hip hip
        calf_{} thigh_{} knee knee
        foot_{} calf_{} ankle ankle
        ball_{} foot_{} foot foot""",
    "daz_8": """
        hip - pelvis pelvis
        pelvis hip pelvis
        abdomenLower hip spine1 spine_1
        abdomenUpper abdomenLower spine2 spine_2
        chestLower abdomenUpper spine3 spine_3
        chestUpper chestLower spine3>neck:0.5 spine_4
        neckLower chestUpper neck neck_1
        neckUpper neckLower neck>head:0.5 neck_2
        head neckUpper head head
        {}Pectoral chestLower spine3>shoulder:0.6
        {}Collar chestUpper collar collar
        {}ShldrBend {}Collar shoulder shoulder
        {}ShldrTwist {}ShldrBend shoulder>elbow:0.5 shoulder_twist_1
        {}ForearmBend {}ShldrTwist elbow elbow
        {}ForearmTwist {}ForearmBend elbow>wrist:0.5 elbow_twist_1
        {}Hand {}ForearmTwist wrist wrist
        {}Carpal2 {}Hand wrist>hand:0.3
        {}Mid1 {}Carpal2 hand wrist_tip
        {}ThighBend pelvis hip hip
        {}ThighTwist {}ThighBend hip>knee:0.5 hip_twist_1
        {}Shin {}ThighTwist knee knee
        {}Foot {}Shin ankle ankle
        {}Metatarsals {}Foot ankle>foot:0.6
        {}Toe {}Metatarsals foot foot""",
    "daz_9": """
        root - floor ground
        hip root pelvis pelvis
        pelvis hip pelvis
        spine1 hip spine1 spine_1
        spine2 spine1 spine2 spine_2
        spine3 spine2 spine3 spine_3
        spine4 spine3 spine3>neck:0.5 spine_4
        neck1 spine4 neck neck_1
        neck2 neck1 neck>head:0.5 neck_2
        head neck2 head head
        {}_shoulder spine4 collar collar
        {}_upperarm {}_shoulder shoulder shoulder
        {}_upperarmtwist1 {}_upperarm shoulder>elbow:0.1 shoulder_twist_1
        {}_upperarmtwist2 {}_upperarm shoulder>elbow:0.6 shoulder_twist_2
        {}_forearm {}_upperarm elbow elbow
        {}_forearmtwist1 {}_forearm elbow>wrist:0.1 elbow_twist_1
        {}_forearmtwist2 {}_forearm elbow>wrist:0.6 elbow_twist_2
        {}_hand {}_forearm wrist wrist
        {}_mid1 {}_hand hand wrist_tip
        {}_thigh pelvis hip hip
        {}_thightwist1 {}_thigh hip>knee:0.1 hip_twist_1
        {}_thightwist2 {}_thigh hip>knee:0.6 hip_twist_2
        {}_shin {}_thigh knee knee
        {}_foot {}_shin ankle ankle
        {}_toes {}_foot foot foot""",
    "daz_2": """
        hip - pelvis pelvis
        pelvis hip pelvis
        abdomen hip spine1 spine_1
        abdomen2 abdomen spine2 spine_2
        chest abdomen2 spine3 spine_3
        neck chest neck neck_1
        head neck head head
        {}Collar chest collar collar
        {}Shldr {}Collar shoulder shoulder
        {}ForeArm {}Shldr elbow elbow
        {}Hand {}ForeArm wrist wrist
        {}Mid1 {}Hand hand wrist_tip
        {}Thigh pelvis hip hip
        {}Shin {}Thigh knee knee
        {}Foot {}Shin ankle ankle
        {}Toe {}Foot foot foot""",
    "reallusion": """
        RL_BoneRoot - floor ground
        CC_Base_Hip RL_BoneRoot pelvis pelvis
        CC_Base_Pelvis CC_Base_Hip pelvis
        CC_Base_Waist CC_Base_Hip spine1 spine_1
        CC_Base_Spine01 CC_Base_Waist spine2 spine_2
        CC_Base_Spine02 CC_Base_Spine01 spine3 spine_3
        CC_Base_NeckTwist01 CC_Base_Spine02 neck neck_1
        CC_Base_NeckTwist02 CC_Base_NeckTwist01 neck>head:0.5 neck_2
        CC_Base_Head CC_Base_NeckTwist02 head head
        CC_Base_{}_RibsTwist CC_Base_Spine02 spine3>shoulder:0.5
        CC_Base_{}_Clavicle CC_Base_Spine02 collar collar
        CC_Base_{}_Upperarm CC_Base_{}_Clavicle shoulder shoulder
        CC_Base_{}_UpperarmTwist01 CC_Base_{}_Upperarm shoulder shoulder_twist_1
        CC_Base_{}_UpperarmTwist02 CC_Base_{}_UpperarmTwist01 shoulder>elbow:0.5 shoulder_twist_2
        CC_Base_{}_Forearm CC_Base_{}_Upperarm elbow elbow
        CC_Base_{}_ElbowShareBone CC_Base_{}_Forearm elbow
        CC_Base_{}_ForearmTwist01 CC_Base_{}_Forearm elbow elbow_twist_1
        CC_Base_{}_ForearmTwist02 CC_Base_{}_ForearmTwist01 elbow>wrist:0.5 elbow_twist_2
        CC_Base_{}_Hand CC_Base_{}_Forearm wrist wrist
        CC_Base_{}_Thumb1 CC_Base_{}_Hand thumb
        CC_Base_{}_Mid1 CC_Base_{}_Hand hand wrist_tip
        CC_Base_{}_Thigh CC_Base_Pelvis hip hip
        CC_Base_{}_ThighTwist01 CC_Base_{}_Thigh hip hip_twist_1
        CC_Base_{}_ThighTwist02 CC_Base_{}_ThighTwist01 hip>knee:0.5 hip_twist_2
        CC_Base_{}_Calf CC_Base_{}_Thigh knee knee
        CC_Base_{}_CalfTwist01 CC_Base_{}_Calf knee knee_twist_1
        CC_Base_{}_CalfTwist02 CC_Base_{}_CalfTwist01 knee>ankle:0.5 knee_twist_2
        CC_Base_{}_Foot CC_Base_{}_Calf ankle ankle
        CC_Base_{}_ToeBase CC_Base_{}_Foot foot foot""",
    "mmd": """
        全ての親 - floor ground
        センター 全ての親 floor>pelvis:0.8 root
        グルーブ センター floor>pelvis:0.8
        腰 グルーブ pelvis
        下半身 腰 pelvis pelvis
        上半身 腰 spine1 spine_1
        上半身2 上半身 spine3 spine_2
        首 上半身2 neck neck_1
        頭 首 head head
        {}肩 上半身2 collar collar
        {}腕 {}肩 shoulder shoulder
        {}腕捩 {}腕 shoulder>elbow:0.6 shoulder_twist_1
        {}ひじ {}腕捩 elbow elbow
        {}手捩 {}ひじ elbow>wrist:0.6 elbow_twist_1
        {}手首 {}手捩 wrist wrist
        {}中指１ {}手首 hand wrist_tip
        {}足 下半身 hip hip
        {}ひざ {}足 knee knee
        {}足首 {}ひざ ankle ankle
        {}つま先 {}足首 foot ankle_tip
        {}足ＩＫ 全ての親 ankle
        {}つま先ＩＫ {}足ＩＫ foot""",
    "mmd_blender": """
        全ての親 - floor ground
        センター 全ての親 floor>pelvis:0.8 root
        下半身 センター pelvis pelvis
        上半身 センター spine1 spine_1
        上半身2 上半身 spine3 spine_2
        首 上半身2 neck neck_1
        頭 首 head head
        肩.{} 上半身2 collar collar
        腕.{} 肩.{} shoulder shoulder
        ひじ.{} 腕.{} elbow elbow
        手首.{} ひじ.{} wrist wrist
        中指１.{} 手首.{} hand wrist_tip
        足.{} 下半身 hip hip
        ひざ.{} 足.{} knee knee
        足首.{} ひざ.{} ankle ankle
        足先EX.{} 足首.{} foot foot""",
    "mmd_english": """
        mother - floor ground
        center mother floor>pelvis:0.8 root
        lower_body center pelvis pelvis
        upper_body center spine1 spine_1
        upper_body_2 upper_body spine3 spine_2
        neck upper_body_2 neck neck_1
        head neck head head
        shoulder_{} upper_body_2 collar collar
        arm_{} shoulder_{} shoulder shoulder
        elbow_{} arm_{} elbow elbow
        wrist_{} elbow_{} wrist wrist
        middle1_{} wrist_{} hand wrist_tip
        leg_{} lower_body hip hip
        knee_{} leg_{} knee knee
        ankle_{} knee_{} ankle ankle
        toe_{} ankle_{} foot foot""",
    "auto_rig_pro": """
        c_traj - floor ground
        root.x c_traj pelvis pelvis
        spine_01.x root.x spine1 spine_1
        spine_02.x spine_01.x spine3 spine_2
        neck.x spine_02.x neck neck_1
        head.x neck.x head head
        shoulder.{} spine_02.x collar collar
        arm_stretch.{} shoulder.{} shoulder shoulder
        arm_twist.{} arm_stretch.{} shoulder>elbow:0.1 shoulder_twist_1
        forearm_stretch.{} arm_stretch.{} elbow elbow
        forearm_twist.{} forearm_stretch.{} elbow>wrist:0.5 elbow_twist_1
        hand.{} forearm_stretch.{} wrist wrist
        thigh_stretch.{} root.x hip hip
        thigh_twist.{} thigh_stretch.{} hip>knee:0.1 hip_twist_1
        leg_stretch.{} thigh_stretch.{} knee knee
        leg_twist.{} leg_stretch.{} knee>ankle:0.5 knee_twist_1
        foot.{} leg_stretch.{} ankle ankle
        toes_01.{} foot.{} foot foot""",
    "smpl_fbx": """
        root - floor ground
        m_avg_Pelvis root pelvis pelvis
        m_avg_Spine1 m_avg_Pelvis spine1 spine_1
        m_avg_Spine2 m_avg_Spine1 spine2 spine_2
        m_avg_Spine3 m_avg_Spine2 spine3 spine_3
        m_avg_Neck m_avg_Spine3 neck neck_1
        m_avg_Head m_avg_Neck head head
        m_avg_{}_Collar m_avg_Spine3 collar collar
        m_avg_{}_Shoulder m_avg_{}_Collar shoulder shoulder
        m_avg_{}_Elbow m_avg_{}_Shoulder elbow elbow
        m_avg_{}_Wrist m_avg_{}_Elbow wrist wrist
        m_avg_{}_Hand m_avg_{}_Wrist hand hand
        m_avg_{}_Hip m_avg_Pelvis hip hip
        m_avg_{}_Knee m_avg_{}_Hip knee knee
        m_avg_{}_Ankle m_avg_{}_Knee ankle ankle
        m_avg_{}_Foot m_avg_{}_Ankle foot foot""",
    "smplx": """
        root - floor ground
        pelvis root pelvis pelvis
        spine1 pelvis spine1 spine_1
        spine2 spine1 spine2 spine_2
        spine3 spine2 spine3 spine_3
        neck spine3 neck neck_1
        head neck head head
        jaw head crown
        {}_collar spine3 collar collar
        {}_shoulder {}_collar shoulder shoulder
        {}_elbow {}_shoulder elbow elbow
        {}_wrist {}_elbow wrist wrist
        {}_thumb1 {}_wrist thumb
        {}_index1 {}_wrist index
        {}_middle1 {}_wrist hand wrist_tip
        {}_hip pelvis hip hip
        {}_knee {}_hip knee knee
        {}_ankle {}_knee ankle ankle
        {}_foot {}_ankle foot foot""",
    "cmu": """
        Hips - pelvis pelvis
        LowerBack Hips spine1 spine_1
        Spine LowerBack spine2 spine_2
        Spine1 Spine spine3 spine_3
        Neck Spine1 neck neck_1
        Neck1 Neck neck>head:0.5 neck_2
        Head Neck1 head head
        {}Shoulder Spine1 collar collar
        {}Arm {}Shoulder shoulder shoulder
        {}ForeArm {}Arm elbow elbow
        {}Hand {}ForeArm wrist wrist
        {}HandFinger1 {}Hand hand wrist_tip
        {}HipJoint Hips pelvis
        {}UpLeg {}HipJoint hip hip
        {}Leg {}UpLeg knee knee
        {}Foot {}Leg ankle ankle
        {}ToeBase {}Foot foot foot""",
    "asf": """
        root - pelvis pelvis
        lowerback root spine1 spine_1
        upperback lowerback spine2 spine_2
        thorax upperback spine3 spine_3
        lowerneck thorax neck neck_1
        upperneck lowerneck neck>head:0.5 neck_2
        head upperneck head head
        {}clavicle thorax collar collar
        {}humerus {}clavicle shoulder shoulder
        {}radius {}humerus elbow elbow
        {}wrist {}radius elbow>wrist:0.8
        {}hand {}wrist wrist wrist
        {}hipjoint root pelvis
        {}femur {}hipjoint hip hip
        {}tibia {}femur knee knee
        {}foot {}tibia ankle ankle
        {}toes {}foot foot foot""",
    "bvh": """
        Hips - pelvis pelvis
        Chest Hips spine1 spine_1
        Chest2 Chest spine3 spine_2
        Neck Chest2 neck neck_1
        Head Neck head head
        {}Collar Chest2 collar collar
        {}Shoulder {}Collar shoulder shoulder
        {}Elbow {}Shoulder elbow elbow
        {}Wrist {}Elbow wrist wrist
        {}Hip Hips hip hip
        {}Knee {}Hip knee knee
        {}Ankle {}Knee ankle ankle
        {}Toe {}Ankle foot foot""",
    "biped": """
        Bip001 - pelvis root
        Bip001_Pelvis Bip001 pelvis pelvis
        Bip001_Spine Bip001_Pelvis spine1 spine_1
        Bip001_Spine1 Bip001_Spine spine3 spine_2
        Bip001_Neck Bip001_Spine1 neck neck_1
        Bip001_Head Bip001_Neck head head
        Bip001_{}_Clavicle Bip001_Neck collar collar
        Bip001_{}_UpperArm Bip001_{}_Clavicle shoulder shoulder
        Bip001_{}UpArmTwist Bip001_{}_UpperArm shoulder>elbow:0.3 shoulder_twist_1
        Bip001_{}_Forearm Bip001_{}_UpperArm elbow elbow
        Bip001_{}ForeTwist Bip001_{}_Forearm elbow>wrist:0.5 elbow_twist_1
        Bip001_{}_Hand Bip001_{}_Forearm wrist wrist
        Bip001_{}_Finger2 Bip001_{}_Hand hand wrist_tip
        Bip001_{}_Thigh Bip001_Spine hip hip
        Bip001_{}_Calf Bip001_{}_Thigh knee knee
        Bip001_{}_Foot Bip001_{}_Calf ankle ankle
        Bip001_{}_Toe0 Bip001_{}_Foot foot foot""",
    "rigify_deform": """
        root - floor ground
        DEF-spine root pelvis pelvis
        DEF-spine.001 DEF-spine spine1 spine_1
        DEF-spine.002 DEF-spine.001 spine2 spine_2
        DEF-spine.003 DEF-spine.002 spine3 spine_3
        DEF-spine.004 DEF-spine.003 neck neck_1
        DEF-spine.005 DEF-spine.004 neck>head:0.5 neck_2
        DEF-spine.006 DEF-spine.005 head head
        DEF-shoulder.{} DEF-spine.003 collar collar
        DEF-upper_arm.{} DEF-shoulder.{} shoulder shoulder
        DEF-upper_arm.{}.001 DEF-upper_arm.{} shoulder>elbow:0.5 shoulder_twist_1
        DEF-forearm.{} DEF-upper_arm.{}.001 elbow elbow
        DEF-forearm.{}.001 DEF-forearm.{} elbow>wrist:0.5 elbow_twist_1
        DEF-hand.{} DEF-forearm.{}.001 wrist wrist
        DEF-f_middle.01.{} DEF-hand.{} hand wrist_tip
        DEF-thigh.{} DEF-spine hip hip
        DEF-thigh.{}.001 DEF-thigh.{} hip>knee:0.5 hip_twist_1
        DEF-shin.{} DEF-thigh.{}.001 knee knee
        DEF-shin.{}.001 DEF-shin.{} knee>ankle:0.5 knee_twist_1
        DEF-foot.{} DEF-shin.{}.001 ankle ankle
        DEF-toe.{} DEF-foot.{} foot foot""",
    "metarig": """
        spine - pelvis pelvis
        spine.001 spine spine1 spine_1
        spine.002 spine.001 spine2 spine_2
        spine.003 spine.002 spine3 spine_3
        spine.004 spine.003 neck neck_1
        spine.005 spine.004 neck>head:0.5 neck_2
        spine.006 spine.005 head head
        face spine.006 crown
        shoulder.{} spine.003 collar collar
        upper_arm.{} shoulder.{} shoulder shoulder
        forearm.{} upper_arm.{} elbow elbow
        hand.{} forearm.{} wrist wrist
        f_middle.01.{} hand.{} hand wrist_tip
        pelvis.{} spine pelvis
        thigh.{} spine hip hip
        shin.{} thigh.{} knee knee
        foot.{} shin.{} ankle ankle
        heel.02.{} foot.{} ankle
        toe.{} foot.{} foot foot""",
}
